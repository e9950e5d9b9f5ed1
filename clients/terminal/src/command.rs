//! Commands: what a line asks for.

use client::domain::Seq;

/// Names, arguments and purposes, in the order of `/help`.
const COMMANDS: [(&str, &str, &str); 20] = [
    ("with", "NAME", "open the private conversation with a user"),
    ("list", "", "list your conversations"),
    ("open", "NUMBER | TITLE", "open a conversation of the list"),
    ("group", "TITLE [NAME …]", "make a group with these members; put a title of several words in quotes"),
    ("public", "TITLE", "make a public conversation, which anybody may join"),
    ("search", "WORDS", "find public conversations, and messages of your own ones"),
    ("goto", "NUMBER", "open a message of the last search, with what was said around it"),
    ("join", "NUMBER | TITLE", "join a public conversation of the last search"),
    ("history", "[COUNT]", "show the newest messages again, with ticks and reactions"),
    ("reply", "[#SEQ] TEXT", "answer a message, else the last one of somebody else"),
    ("edit", "[#SEQ] TEXT", "change a message of yours, else your last one"),
    ("delete", "[#SEQ]", "delete a message for everybody, else your last one"),
    ("react", "[#SEQ] EMOJI", "react to a message, else the last one of somebody else; again takes it back"),
    ("file", "PATH [TEXT]", "send a file; put a path with spaces in quotes"),
    ("save", "#SEQ [FOLDER]", "save the files of a message, here unless a folder is named"),
    ("who", "", "show who is online"),
    ("members", "", "show the members and their roles"),
    ("add", "NAME …", "add users to this group"),
    ("leave", "", "leave this group or public conversation"),
    ("quit", "", "end the chat, as Ctrl-C and Ctrl-D do"),
];

/// Default and largest number of messages of `/history`.
const HISTORY: (u32, u32) = (20, 100);

/// A line as it was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Nothing,
    Text(String),
    With(String),
    List,
    Open(String),
    Group(String, Vec<String>),
    Public(String),
    Search(String),
    Goto(usize),
    Join(String),
    History(u32),
    Reply(Option<Seq>, String),
    Edit(Option<Seq>, String),
    Delete(Option<Seq>),
    React(Option<Seq>, String),
    File(String, String),
    Save(Seq, Option<String>),
    Who,
    Members,
    Add(Vec<String>),
    Leave,
    Help(Vec<String>),
    Quit,
}

/// Parses a line. The error says what to type instead.
pub(crate) fn parse(line: &str) -> Result<Command, String> {
    let line = line.trim();
    if line.is_empty() {
        return Ok(Command::Nothing);
    }
    let Some(command) = line.strip_prefix('/') else { return Ok(Command::Text(line.to_owned())) };
    if command.starts_with('/') {
        // Two slashes begin a text with one.
        return Ok(Command::Text(command.to_owned()));
    }
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let (mut name, rest) = (name.to_lowercase(), rest.trim());
    if ["bye", "exit", "q"].contains(&name.as_str()) {
        "quit".clone_into(&mut name);
    }
    if name == "help" {
        return help(rest).map(Command::Help);
    }
    if !COMMANDS.iter().any(|(known, ..)| *known == name) {
        return Err(unknown(&name));
    }
    arguments(&name, rest).ok_or_else(|| format!("usage: {}", usage(&name)))
}

fn arguments(name: &str, rest: &str) -> Option<Command> {
    let text = || (!rest.is_empty()).then(|| rest.to_owned());
    let nothing = |command| rest.is_empty().then_some(command);
    let word = || (!rest.is_empty()).then(|| unquoted(rest));
    match name {
        "with" => word().map(Command::With),
        "list" => nothing(Command::List),
        "open" => word().map(Command::Open),
        "group" => {
            let mut words = words(rest)?.into_iter();
            Some(Command::Group(words.next()?, words.collect()))
        }
        "public" => word().map(Command::Public),
        "search" => text().map(Command::Search),
        "goto" => rest.parse().ok().map(Command::Goto),
        "join" => word().map(Command::Join),
        "history" if rest.is_empty() => Some(Command::History(HISTORY.0)),
        "history" => rest.parse().ok().filter(|count| (1..=HISTORY.1).contains(count)).map(Command::History),
        "reply" | "edit" => {
            let (seq, text) = leading_seq(rest)?;
            let command = if name == "reply" { Command::Reply } else { Command::Edit };
            (!text.is_empty()).then(|| command(seq, text.to_owned()))
        }
        "delete" if rest.is_empty() => Some(Command::Delete(None)),
        "delete" => seq(rest).map(|seq| Command::Delete(Some(seq))),
        "react" => {
            let (seq, emoji) = leading_seq(rest)?;
            (!emoji.is_empty()).then(|| Command::React(seq, emoji.to_owned()))
        }
        "file" => {
            let (path, caption) = first_word(rest)?;
            (!path.is_empty()).then(|| Command::File(path, caption.to_owned()))
        }
        "save" => {
            let (number, folder) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let folder = folder.trim();
            Some(Command::Save(seq(number)?, (!folder.is_empty()).then(|| unquoted(folder))))
        }
        "who" => nothing(Command::Who),
        "members" => nothing(Command::Members),
        "add" => words(rest).filter(|names| !names.is_empty()).map(Command::Add),
        "leave" => nothing(Command::Leave),
        "quit" => nothing(Command::Quit),
        _ => None,
    }
}

fn usage(name: &str) -> String {
    let row = COMMANDS.iter().find(|(known, ..)| *known == name);
    row.map_or_else(String::new, |(name, arguments, purpose)| {
        format!("/{name}{}{arguments}: {purpose}", if arguments.is_empty() { "" } else { " " })
    })
}

/// All commands, or one of them.
fn help(name: &str) -> Result<Vec<String>, String> {
    let name = name.trim_start_matches('/').to_lowercase();
    if !name.is_empty() {
        let known = COMMANDS.iter().any(|(known, ..)| *known == name);
        return if known { Ok(vec![usage(&name)]) } else { Err(unknown(&name)) };
    }
    let rows =
        COMMANDS.iter().map(|(name, arguments, purpose)| format!("{:<28} {purpose}", format!("/{name} {arguments}")));
    let end = [
        "/help [COMMAND]".to_owned(),
        "Any other line is sent; begin it with // if it is to begin with a slash.".to_owned(),
    ];
    Ok(rows.chain(end).collect())
}

fn unknown(name: &str) -> String {
    let distance = |known: &str| strsim::damerau_levenshtein(known, name);
    let known = || COMMANDS.iter().map(|(known, ..)| *known).chain(["help"]);
    // A beginning is as good as a slip of the fingers.
    let begun = known().find(|known| name.len() > 1 && known.starts_with(name));
    let near = begun.or_else(|| known().min_by_key(|known| distance(known)).filter(|known| distance(known) <= 2));
    let hint = near.map_or_else(String::new, |near| format!(" Did you mean /{near}?"));
    format!("there is no command /{name}.{hint} /help lists all")
}

/// Reads the number of a message, with or without `#` before it.
fn seq(word: &str) -> Option<Seq> {
    word.strip_prefix('#').unwrap_or(word).parse().ok().filter(|number| *number > 0).map(Seq)
}

/// A seq with its `#`, if the text begins with one, and the rest. `None` for a `#` and digits that are no seq.
fn leading_seq(text: &str) -> Option<(Option<Seq>, &str)> {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let digits =
        first.strip_prefix('#').filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    match digits {
        Some(digits) => Some((Some(seq(digits)?), rest.trim())),
        None => Some((None, text)),
    }
}

/// The first word, which may be in quotes, and the rest. `None` where a quote has no end.
fn first_word(text: &str) -> Option<(String, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (word, rest) = quoted.split_once('"')?;
        return Some((word.to_owned(), rest.trim()));
    }
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    Some((word.to_owned(), rest.trim()))
}

fn words(mut text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    while !text.is_empty() {
        let (word, rest) = first_word(text)?;
        words.push(word);
        text = rest;
    }
    words.iter().all(|word| !word.is_empty()).then_some(words)
}

/// The whole text, without quotes around it.
fn unquoted(text: &str) -> String {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_texts_or_commands() {
        let owned = str::to_owned;
        for (line, expected) in [
            ("  hello  ", Command::Text(owned("hello"))),
            ("//shrug", Command::Text(owned("/shrug"))),
            ("   ", Command::Nothing),
            ("/WITH bob", Command::With(owned("bob"))),
            ("/group Ships bob carol", Command::Group(owned("Ships"), vec![owned("bob"), owned("carol")])),
            ("/group \"Night watch\" bob", Command::Group(owned("Night watch"), vec![owned("bob")])),
            ("/public Night watch", Command::Public(owned("Night watch"))),
            ("/edit better words", Command::Edit(None, owned("better words"))),
            ("/edit #12 12 monkeys", Command::Edit(Some(Seq(12)), owned("12 monkeys"))),
            ("/edit #hashtag", Command::Edit(None, owned("#hashtag"))),
            ("/react #3 👍", Command::React(Some(Seq(3)), owned("👍"))),
            ("/react #️⃣", Command::React(None, owned("#️⃣"))),
            ("/delete 7", Command::Delete(Some(Seq(7)))),
            ("/file \"a b.txt\" look", Command::File(owned("a b.txt"), owned("look"))),
            ("/save #3 /tmp/my files", Command::Save(Seq(3), Some(owned("/tmp/my files")))),
            ("/history 5", Command::History(5)),
            ("/search \"a phrase\" wo", Command::Search(owned("\"a phrase\" wo"))),
            ("/goto 2", Command::Goto(2)),
            ("/quit", Command::Quit),
            ("/exit", Command::Quit),
        ] {
            assert_eq!(parse(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn wrong_arguments_get_the_usage() {
        for line in [
            "/with",
            "/list all",
            "/open",
            "/group",
            "/group \"Night",
            "/history 0",
            "/history 101",
            "/history many",
            "/goto",
            "/goto there",
            "/edit",
            "/edit #3",
            "/edit #0 text",
            "/delete this",
            "/react",
            "/file",
            "/save",
            "/save all",
            "/add",
            "/leave now",
        ] {
            let name = line[1..].split(' ').next().unwrap();
            let refusal = parse(line).unwrap_err();
            assert!(refusal.starts_with(&format!("usage: /{name}")), "{line}: {refusal}");
        }
    }

    #[test]
    fn an_unknown_command_gets_the_nearest_one() {
        for (line, near) in [("/hsitory", "/history"), ("/edti", "/edit"), ("/mem", "/members"), ("/halp", "/help")] {
            assert!(parse(line).unwrap_err().contains(&format!("Did you mean {near}?")), "{line}");
        }
        assert_eq!(parse("/xyzzyxyzzy").unwrap_err(), "there is no command /xyzzyxyzzy. /help lists all");
    }

    #[test]
    fn help_has_every_command() {
        let Ok(Command::Help(lines)) = parse("/help") else { panic!() };
        assert!(COMMANDS.iter().all(|(name, ..)| lines.iter().any(|line| line.starts_with(&format!("/{name} ")))));
        assert_eq!(parse("/help /who"), Ok(Command::Help(vec!["/who: show who is online".to_owned()])));
        assert!(parse("/help whoo").unwrap_err().contains("/who"));
    }
}
