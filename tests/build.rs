//! Writes mutants of the code that appends, each with one thing broken.
//!
//! A mutant is a module of the test binary `log` that has the layout of `chat::log` and `store::dynamodb`: the files below are
//! copied into it with their paths pointed at the module, everything else is the crates' own. So all mutants are compiled in
//! seconds with the tests that have to find them, and production code is not affected.
//!
//! The text that a mutation replaces has to occur exactly once; otherwise the mutant does not compile and reports it.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The file that every mutant copies, in `shared/chat/src`: the code that appends.
const APPEND: &str = "log/append.rs";

/// The files that mutants of the table's code copy as well, in `shared/store/src`.
const TABLE: [&str; 3] = ["dynamodb/messages.rs", "dynamodb/millis.rs", "dynamodb/batch.rs"];

/// A thing to break.
struct Mutation {
    name: &'static str,
    file: &'static str,
    was: &'static str,
    is: &'static str,
    /// The rule that it breaks, as the tests' `check` names it.
    breaks: &'static str,
}

const MUTATIONS: [Mutation; 13] = [
    Mutation {
        name: "own_attempt_is_not_known",
        file: "log/append.rs",
        was: "if existing.attempt == attempt =>",
        is: "if existing.attempt.is_nil() =>",
        breaks: "Duplicate",
    },
    Mutation {
        name: "every_attempt_is_taken_for_its_own",
        file: "log/append.rs",
        was: "if existing.attempt == attempt =>",
        is: "if !existing.attempt.is_nil() =>",
        breaks: "Truth",
    },
    Mutation {
        name: "conflicts_are_not_looked_through",
        file: "log/append.rs",
        was: "if let Some(earlier) = self.earlier_attempt().cloned() {",
        is: "if let Some(earlier) = self.earlier_attempt().cloned().filter(|_| puts == 0) {",
        breaks: "Once",
    },
    Mutation {
        name: "what_took_the_place_is_not_looked_at",
        file: "log/append.rs",
        was: "self.seen = std::iter::once(taken).chain(later).collect();",
        is: "self.seen = std::iter::once(LogItem { client_message_id: None, ..taken }).chain(later).collect();",
        breaks: "Once",
    },
    Mutation {
        name: "what_followed_is_not_looked_at",
        file: "log/append.rs",
        was: "self.seen = std::iter::once(taken).chain(later).collect();",
        is: "self.seen = std::iter::once(taken).chain(later.into_iter().next_back()).collect();",
        breaks: "Once",
    },
    Mutation {
        name: "resends_read_from_the_head",
        file: "log/append.rs",
        was: "        for consistent in [false, true] {",
        is: "        let draft = &Draft { after_seq: None, ..draft.clone() };\n        for consistent in [false, true] {",
        breaks: "Once",
    },
    Mutation {
        name: "changes_of_membership_go_unnoticed",
        file: "log/append.rs",
        was: "let change = self.seen.last().map_or(Seq::ZERO, |head| head.members_seq);",
        is: "let change = Seq::ZERO;",
        breaks: "Roster",
    },
    Mutation {
        name: "anybody_may_write",
        file: "log/append.rs",
        was: "roster.has(draft.sender_id).then_some(roster.conversation.members_seq)",
        is: "Some(roster.conversation.members_seq)",
        breaks: "Membership",
    },
    Mutation {
        name: "the_roster_is_read_again_but_not_the_newest",
        file: "log/append.rs",
        was: "self.log.members.roster_for(sender_id, conversation_id, true)",
        is: "self.log.members.roster_for(sender_id, conversation_id, false)",
        breaks: "Roster",
    },
    Mutation {
        name: "duplicates_are_told_to_whoever_was_there_before",
        file: "log/append.rs",
        was: "if self.roster.conversation.members_seq < item.members_seq {",
        is: "if false {",
        breaks: "Secret",
    },
    Mutation {
        name: "changes_of_membership_are_forgotten",
        file: "log/append.rs",
        was: "members_seq: head.members_seq,",
        is: "members_seq: Seq(1),",
        breaks: "MembersSeq",
    },
    Mutation {
        name: "time_is_what_the_clock_says",
        file: "log/append.rs",
        was: "Timestamp::now().max(head.sent_at.next())",
        is: "Timestamp::now()",
        breaks: "Time",
    },
    Mutation {
        name: "a_taken_place_is_written_over",
        file: "dynamodb/messages.rs",
        was: "            .condition_expression(IS_FREE)\n            .return_values",
        is: "            .return_values",
        breaks: "Truth",
    },
];

fn main() -> io::Result<()> {
    let shared = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../shared").canonicalize()?;
    let out = PathBuf::from(variable("OUT_DIR"));
    println!("cargo::rerun-if-changed=build.rs");
    for file in std::iter::once(&APPEND).chain(&TABLE) {
        println!("cargo::rerun-if-changed={}", source(&shared, file).display());
    }
    let mut module = String::new();
    for mutation in &MUTATIONS {
        module.push_str(&mutation.write(&shared, &out.join(mutation.name))?);
    }
    let all = MUTATIONS.map(|Mutation { name, breaks, .. }| format!("mutant!({name}, {breaks})")).join(",\n    ");
    let list = format!("const MUTANTS: [Mutant; {}] = [\n    {all},\n];\n", MUTATIONS.len());
    fs::write(out.join("mutants.rs"), module + &list)
}

/// Path of a file that mutants copy: the log is a room of `chat`, the table a door of `store`.
fn source(shared: &Path, file: &str) -> PathBuf {
    shared.join(if file == APPEND { "chat/src" } else { "store/src" }).join(file)
}

impl Mutation {
    /// Copies the files into `folder` and returns the declaration of the mutant's module.
    fn write(&self, shared: &Path, folder: &Path) -> io::Result<String> {
        let Self { name, file, was, is, .. } = self;
        let inside = format!("crate::chaos::mutants::{name}");
        let table_mutated = TABLE.contains(file);
        for copied in std::iter::once(APPEND).chain(TABLE.into_iter().filter(|_| table_mutated)) {
            let mut text = fs::read_to_string(source(shared, copied))?;
            if copied == *file {
                if text.matches(was).count() != 1 {
                    let message = format!("{name}: {file} does not have this text exactly once: {was}");
                    return Ok(format!("compile_error!({message:?});\nmod {name} {{}}\n"));
                }
                text = text.replacen(was, is, 1);
            }
            let mut text = text.replace("crate::", &format!("{inside}::"));
            if table_mutated {
                text = text.replace("store::dynamodb::messages", &format!("{inside}::dynamodb::messages"));
            }
            let to = folder.join(copied);
            fs::create_dir_all(to.parent().unwrap_or(folder))?;
            fs::write(to, text)?;
        }
        let file = |path: &str| format!("#[path = \"{}\"]", folder.join(path).display());
        let append = file(APPEND);
        let [messages, millis, batch] = TABLE.map(file);
        let table = if table_mutated {
            format!(
                "{messages} pub mod messages; {millis} mod millis; {batch} mod batch; pub use messages::Messages;
                 type Item = std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>;"
            )
        } else {
            "pub use store::dynamodb::{messages, Messages};".to_owned()
        };
        Ok(format!(
            "#[allow(warnings, clippy::all, clippy::pedantic)]
mod {name} {{
    pub use store::StoreError;
    pub mod log {{
        {append} mod append;
        pub use append::{{Appended, Draft}};
        pub use chat::log::SendError;
        #[derive(Debug)] pub struct Log {{ pub messages: super::dynamodb::Messages, pub members: store::dynamodb::Members, pub flood_limit: Option<domain::flood::FloodLimit> }}
    }}
    pub mod dynamodb {{
        pub use store::dynamodb::{{FileItem, members, retry}};
        {table}
    }}
}}
"
        ))
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
