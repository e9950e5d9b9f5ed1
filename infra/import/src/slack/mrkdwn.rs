//! Slack's markup of texts: references in angle brackets, three entities, and names of emoji between colons.

use std::collections::BTreeMap;

/// Names of what texts refer to.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The name of each user, by Slack's id.
    pub(super) users: BTreeMap<String, String>,
    /// The name of each channel, by Slack's id.
    pub(super) channels: BTreeMap<String, String>,
}

/// Returns a text as people read it, and the ids of the users whom it mentions.
pub(super) fn plain(text: &str, names: &Names) -> (String, Vec<String>) {
    let (mut plain, mut mentions) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(&words(before));
        let Some((reference, after)) = after.split_once('>') else {
            plain.push('<');
            rest = after;
            break;
        };
        plain.push_str(&shown(reference, names, &mut mentions));
        rest = after;
    }
    plain.push_str(&words(rest));
    (plain, mentions)
}

/// Returns what a reference shows.
fn shown(reference: &str, names: &Names, mentions: &mut Vec<String>) -> String {
    let (target, label) = match reference.split_once('|') {
        Some((target, label)) => (target, Some(label).filter(|label| !label.is_empty())),
        None => (reference, None),
    };
    if let Some(user) = target.strip_prefix('@') {
        mentions.push(user.to_owned());
        let name = names.users.get(user).map(String::as_str).or(label).unwrap_or(user);
        return format!("@{}", entities(name));
    }
    if let Some(channel) = target.strip_prefix('#') {
        let name = label.or(names.channels.get(channel).map(String::as_str)).unwrap_or(channel);
        return format!("#{}", entities(name));
    }
    if let Some(special) = target.strip_prefix('!') {
        // `!here`, `!subteam^S1|@team`, `!date^…|the text for those who cannot show it`.
        let name = special.split('^').next().unwrap_or(special);
        return label.map_or_else(|| format!("@{name}"), entities);
    }
    let url = entities(target);
    match label.map(entities) {
        Some(label) if label != url && url != format!("mailto:{label}") => format!("{label} ({url})"),
        Some(label) => label,
        None => url,
    }
}

/// Replaces entities, and names of emoji.
fn words(text: &str) -> String {
    let (mut words, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(':') {
        words.push_str(before);
        let emoji = after.split_once(':').and_then(|(name, after)| Some((emoji(name)?, after)));
        if let Some((emoji, after)) = emoji {
            words.push_str(emoji);
            rest = after;
        } else {
            words.push(':');
            rest = after;
        }
    }
    words.push_str(rest);
    entities(&words)
}

fn entities(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Returns the emoji with a name of Slack's, such as `+1` or `wave::skin-tone-2`; `None` for a picture of the workspace.
pub(super) fn emoji(name: &str) -> Option<&'static str> {
    let (name, tone) = match name.split_once("::skin-tone-") {
        Some((name, tone)) => (name, Some(tone)),
        None => (name, None),
    };
    let emoji = emojis::get_by_shortcode(name)?;
    let tone = match tone {
        Some("2") => emojis::SkinTone::Light,
        Some("3") => emojis::SkinTone::MediumLight,
        Some("4") => emojis::SkinTone::Medium,
        Some("5") => emojis::SkinTone::MediumDark,
        Some("6") => emojis::SkinTone::Dark,
        _ => return Some(emoji.as_str()),
    };
    Some(emoji.with_skin_tone(tone).unwrap_or(emoji).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_entities_and_emoji_are_shown() {
        let names = Names {
            users: BTreeMap::from([("U1".to_owned(), "Ada".to_owned())]),
            channels: BTreeMap::from([("C1".to_owned(), "general".to_owned())]),
        };
        for (text, expected) in [
            ("hi <@U1>, <@U2|bob>", "hi @Ada, @bob"),
            ("in <#C1> and <#C2|other>", "in #general and #other"),
            ("<!here> <!subteam^S1|@team> <!date^1^{date}|May 1>", "@here @team May 1"),
            ("<https://a.example/?a=1&amp;b=2>", "https://a.example/?a=1&b=2"),
            (
                "<https://a.example|the page> <mailto:a@b.example|a@b.example>",
                "the page (https://a.example) a@b.example",
            ),
            ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
            ("it is 10:30, :tada: :no_such: :+1:", "it is 10:30, 🎉 :no_such: 👍"),
            ("an open < bracket", "an open < bracket"),
        ] {
            assert_eq!(plain(text, &names).0, expected, "{text}");
        }
        assert_eq!(plain("<@U1> <@U2>", &names).1, ["U1", "U2"]);
        assert_eq!((emoji("wave::skin-tone-2"), emoji("our_logo")), (Some("👋🏻"), None));
    }
}
