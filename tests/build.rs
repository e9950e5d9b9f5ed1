//! Writes mutants of the code that appends, each with one thing broken.
//!
//! A mutant is a module of the test binary `simulation` that has the layout of `chat::log` and `store::dynamodb`: the files below are
//! copied into it with their paths pointed at the module, everything else is the crates' own. So all mutants are compiled in
//! seconds with the tests that have to find them, and production code is not affected.
//!
//! The text that a mutation replaces has to occur exactly once; otherwise the mutant does not compile and reports it.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The files that every mutant copies, in `shared/chat/src`: the code that appends.
const APPEND: [&str; 5] =
    ["log/append/mod.rs", "log/append/cache.rs", "log/append/open.rs", "log/append/rules.rs", "log/append/shared.rs"];

/// The files that mutants of the table's code copy as well, in `shared/store/src`.
const TABLE: [&str; 3] = ["dynamodb/messages.rs", "dynamodb/millis.rs", "dynamodb/batch.rs"];

/// A defect of a mutant.
struct Mutation {
    name: &'static str,
    file: &'static str,
    original: &'static str,
    replacement: &'static str,
    /// The rule that it breaks, as the tests' `check` names it.
    breaks: &'static str,
}

/// The files that every mutant of the archive copies, in `shared/chat/src`.
const ARCHIVE: [&str; 7] = [
    "archive/archiver.rs",
    "archive/chunk.rs",
    "archive/deletion.rs",
    "archive/items.rs",
    "archive/merge.rs",
    "archive/pace.rs",
    "archive/reader.rs",
];

const MUTATIONS: [Mutation; 20] = [
    Mutation {
        name: "own_attempt_is_not_recognized",
        file: "log/append/mod.rs",
        original: "if existing.attempt == attempt =>",
        replacement: "if existing.attempt.is_nil() =>",
        breaks: "Duplicate",
    },
    Mutation {
        name: "attempts_of_others_are_taken_for_its_own",
        file: "log/append/mod.rs",
        original: "if existing.attempt == attempt =>",
        replacement: "if !existing.attempt.is_nil() =>",
        breaks: "AnswersMatchLog",
    },
    Mutation {
        name: "earlier_attempts_are_ignored_after_a_conflict",
        file: "log/append/mod.rs",
        original: "if let Some(earlier) = self.earlier[index].clone() {",
        replacement: "if let Some(earlier) = self.earlier[index].clone().filter(|_| puts == 0) {",
        breaks: "OneSeqPerMessage",
    },
    Mutation {
        name: "conflicting_item_is_not_searched",
        file: "log/append/mod.rs",
        original: "self.add(std::iter::once(taken).chain(later).collect());",
        replacement: "self.add(std::iter::once(LogItem { client_message_id: None, ..taken }).chain(later).collect());",
        breaks: "OneSeqPerMessage",
    },
    Mutation {
        name: "items_after_a_conflict_are_not_searched",
        file: "log/append/mod.rs",
        original: "self.add(std::iter::once(taken).chain(later).collect());",
        replacement: "self.add(std::iter::once(taken).chain(later.into_iter().next_back()).collect());",
        breaks: "OneSeqPerMessage",
    },
    Mutation {
        name: "resends_read_from_the_head",
        file: "log/append/open.rs",
        original: "        for consistent in [false, true] {",
        replacement: "        let draft = &Draft { after_seq: None, ..draft.clone() };\n        for consistent in [false, true] {",
        breaks: "OneSeqPerMessage",
    },
    Mutation {
        name: "membership_changes_are_ignored",
        file: "log/append/rules.rs",
        original: "let Some(change) = self.turn.head().map(|head| head.members_seq) else { return false };",
        replacement: "let change = Seq::ZERO;",
        breaks: "Roster",
    },
    Mutation {
        name: "added_senders_go_on_with_what_was_refused",
        file: "log/append/rules.rs",
        original: "sender.joined_seq > Seq(1) && sender.joined_seq > seen",
        replacement: "sender.joined_seq < Seq(1) && sender.joined_seq > seen",
        breaks: "Refusal",
    },
    Mutation {
        name: "non_members_may_write",
        file: "log/append/open.rs",
        original: "roster.has(draft.sender_id).then_some(roster.conversation.members_seq)",
        replacement: "Some(roster.conversation.members_seq)",
        breaks: "Membership",
    },
    Mutation {
        name: "roster_is_reread_without_consistency",
        file: "log/append/rules.rs",
        original: "members.roster_for(sender_id, conversation_id, true)",
        replacement: "members.roster_for(sender_id, conversation_id, false)",
        breaks: "Roster",
    },
    Mutation {
        name: "duplicates_keep_an_outdated_roster",
        file: "log/append/mod.rs",
        original: "if self.roster.conversation.members_seq < newest {",
        replacement: "if false {",
        breaks: "NoDisclosure",
    },
    Mutation {
        name: "later_messages_of_a_batch_are_not_searched",
        file: "log/append/mod.rs",
        original: "self.drafts.iter().position(is_of)",
        replacement: "self.drafts.iter().take(1).position(is_of)",
        breaks: "OneSeqPerMessage",
    },
    Mutation {
        name: "batch_goes_on_after_a_message_that_failed",
        file: "log/append/mod.rs",
        original: "Err(refusal) => return AppendedBatch { appended, refusal: Some(refusal) },",
        replacement: "Err(_) if index + 1 < self.drafts.len() => {}
                Err(refusal) => return AppendedBatch { appended, refusal: Some(refusal) },",
        breaks: "Order",
    },
    Mutation {
        name: "later_messages_of_a_batch_keep_the_roster",
        file: "log/append/mod.rs",
        original: "&& let Err(refusal) = self.verify_sender().await",
        replacement: "&& index == 0\n                && let Err(refusal) = self.verify_sender().await",
        breaks: "Roster",
    },
    Mutation {
        name: "what_is_remembered_stands_for_what_is_older",
        file: "log/append/cache.rs",
        original: "self.items.iter().position(|item| item.seq == first)?",
        replacement: "self.items.iter().position(|item| item.seq == first).or((!self.items.is_empty()).then_some(0))?",
        breaks: "OneSeqPerMessage",
    },
    Mutation {
        name: "holes_are_remembered",
        file: "log/append/cache.rs",
        original: "item.seq != head.seq.next()",
        replacement: "item.seq <= head.seq",
        breaks: "OneSeqPerMessage",
    },
    Mutation {
        name: "remembered_items_are_not_searched",
        file: "log/append/open.rs",
        original: "draft.found_in(known.unwrap_or_default())",
        replacement: "draft.found_in(&known.unwrap_or_default()[..0])",
        breaks: "OneSeqPerMessage",
    },
    Mutation {
        name: "members_seq_is_not_carried_over",
        file: "dynamodb/messages.rs",
        original: "(self.seq.next(), self.members_seq)",
        replacement: "(self.seq.next(), Seq(1))",
        breaks: "MembersSeq",
    },
    Mutation {
        name: "sent_at_follows_the_clock",
        file: "dynamodb/messages.rs",
        original: "Timestamp::now().max(self.sent_at.next())",
        replacement: "Timestamp::now()",
        breaks: "IncreasingTime",
    },
    Mutation {
        name: "taken_seqs_are_overwritten",
        file: "dynamodb/messages.rs",
        original: "            .condition_expression(IS_FREE)\n            .return_values",
        replacement: "            .return_values",
        breaks: "AnswersMatchLog",
    },
];

/// A defect of a mutant of the archive, which the runs of the archive have to find.
struct ArchiveMutation {
    name: &'static str,
    file: &'static str,
    original: &'static str,
    replacement: &'static str,
}

const ARCHIVE_MUTATIONS: [ArchiveMutation; 4] = [
    ArchiveMutation {
        name: "rows_are_deleted_before_the_index_has_the_chunk",
        file: "archive/archiver.rs",
        original: "                if self.publish(&first).await? {",
        replacement: "                let rows: Vec<RowState> = page.rows.iter().map(RowState::of).collect();
                self.clean_up(&first.item, &page.rows, rows, true, until).await?;
                if self.publish(&first).await? {",
    },
    ArchiveMutation {
        name: "rows_are_deleted_whatever_they_are",
        file: "archive/deletion.rs",
        original: "now.iter().map(|row| chunks.delete_row(conversation, row.seq, row.amended))",
        replacement: "now.iter().map(|row| async move {
            let range = domain::period::SeqRange { first: row.seq, last: row.seq };
            let now = chunks.rows(conversation, range, usize::MAX).await?.rows;
            let amended = now.first().and_then(|row| row.amended);
            chunks.delete_row(conversation, row.seq, amended).await
        })",
    },
    ArchiveMutation {
        name: "changed_rows_are_deleted_without_a_fold",
        file: "archive/archiver.rs",
        original: "archived[at].amended == row.amended",
        replacement: "archived[at].seq == row.seq",
    },
    ArchiveMutation {
        name: "objects_are_deleted_that_are_about_to_be_named",
        file: "archive/archiver.rs",
        original: "object.key != item.object_key && is_past",
        replacement: "object.key != item.object_key",
    },
];

fn main() -> io::Result<()> {
    let shared = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../shared").canonicalize()?;
    let out = PathBuf::from(variable("OUT_DIR"));
    println!("cargo::rerun-if-changed=build.rs");
    for file in APPEND.iter().chain(&TABLE).chain(&ARCHIVE) {
        println!("cargo::rerun-if-changed={}", source(&shared, file).display());
    }
    let mut module = String::new();
    for mutation in &MUTATIONS {
        module.push_str(&mutation.write(&shared, &out.join(mutation.name))?);
    }
    let all = MUTATIONS.map(|Mutation { name, breaks, .. }| format!("mutant!({name}, {breaks})")).join(",\n    ");
    let list = format!("const MUTANTS: [Mutant; {}] = [\n    {all},\n];\n", MUTATIONS.len());
    fs::write(out.join("mutants.rs"), module + &list)?;
    write_archive_mutants(&shared, &out)
}

fn write_archive_mutants(shared: &Path, out: &Path) -> io::Result<()> {
    let mut module = String::new();
    for mutation in &ARCHIVE_MUTATIONS {
        module.push_str(&mutation.write(shared, &out.join(mutation.name))?);
    }
    let all = ARCHIVE_MUTATIONS.map(|ArchiveMutation { name, .. }| format!("archive_mutant!({name})")).join(",\n    ");
    let list = format!("const MUTANTS: [Mutant; {}] = [\n    {all},\n];\n", ARCHIVE_MUTATIONS.len());
    fs::write(out.join("archive_mutants.rs"), module + &list)
}

/// Returns the text with its mutation, or the error that it does not have the original exactly once.
fn mutated(text: &str, name: &str, file: &str, original: &str, replacement: &str) -> Result<String, String> {
    if text.matches(original).count() == 1 {
        return Ok(text.replacen(original, replacement, 1));
    }
    let message = format!("{name}: {file} does not have this text exactly once: {original}");
    Err(format!("compile_error!({message:?});\nmod {name} {{}}\n"))
}

impl ArchiveMutation {
    /// Copies the files into `folder` and returns the declaration of the mutant's module.
    fn write(&self, shared: &Path, folder: &Path) -> io::Result<String> {
        let Self { name, file, original, replacement } = self;
        fs::create_dir_all(folder.join("archive"))?;
        let mut modules = String::new();
        for copied in ARCHIVE {
            let mut text = fs::read_to_string(source(shared, copied))?;
            if copied == *file {
                text = match mutated(&text, name, file, original, replacement) {
                    Ok(text) => text,
                    Err(error) => return Ok(error),
                };
            }
            let to = folder.join(copied);
            // Without its unit tests.
            fs::write(&to, text.split("#[cfg(test)]").next().unwrap_or_default())?;
            let module = Path::new(copied).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            modules.extend([format!("    #[path = \"{}\"] mod {module};\n", to.display())]);
        }
        Ok(format!(
            "#[allow(warnings, clippy::all, clippy::pedantic)]
mod {name} {{
{modules}    pub use archiver::{{ArchiveError, Archiver, Settled}};
    pub use items::Items;
    pub use reader::Archive;
}}
"
        ))
    }
}

/// Path of a file that mutants copy: the log is a room of `chat`, the table a door of `store`.
fn source(shared: &Path, file: &str) -> PathBuf {
    shared.join(if TABLE.contains(&file) { "store/src" } else { "chat/src" }).join(file)
}

impl Mutation {
    /// Copies the files into `folder` and returns the declaration of the mutant's module.
    fn write(&self, shared: &Path, folder: &Path) -> io::Result<String> {
        let Self { name, file, original, replacement, .. } = self;
        let inside = format!("crate::chaos::mutants::{name}");
        let table_mutated = TABLE.contains(file);
        for copied in APPEND.into_iter().chain(TABLE.into_iter().filter(|_| table_mutated)) {
            let mut text = fs::read_to_string(source(shared, copied))?;
            if copied == *file {
                text = match mutated(&text, name, file, original, replacement) {
                    Ok(text) => text,
                    Err(error) => return Ok(error),
                };
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
        let append = file(APPEND[0]);
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
        pub use append::{{Appended, AppendedBatch, Draft, LogCache, Refusal}};
        pub use chat::log::SendError;
        #[derive(Debug)] pub struct Log {{ pub messages: super::dynamodb::Messages, pub members: store::dynamodb::Members, pub archive: Option<chat::archive::Archive>, pub flood_limit: Option<domain::flood::FloodLimit>, pub cache: LogCache }}
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
