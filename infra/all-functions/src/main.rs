//! All functions in one program: it serves the one whose name it is called by.
//!
//! One program is linked in the time of one function, and its processes share the memory of its code. What deploys is each
//! function's own program, from the same [`serve`](ws_send::serve).

use std::path::Path;

use lambda_kit::{Error, run};

/// Runs a function to its end.
type Run = fn() -> Result<(), Error>;

/// The functions by the names of their own programs.
const FUNCTIONS: [(&str, Run); 38] = [
    ("export-writer", || run(export_writer::serve())),
    ("fanout", || run(fanout::serve())),
    ("file-cleanup", || run(file_cleanup::serve())),
    ("file-inspect", || run(file_inspect::serve())),
    ("file-references", || run(file_references::serve())),
    ("http-account", || run(http_account::serve())),
    ("http-audit", || run(http_audit::serve())),
    ("http-avatars", || run(http_avatars::serve())),
    ("http-conversations", || run(http_conversations::serve())),
    ("http-default", || run(http_default::serve())),
    ("http-exports", || run(http_exports::serve())),
    ("http-files", || run(http_files::serve())),
    ("http-imports", || run(http_imports::serve())),
    ("http-members", || run(http_members::serve())),
    ("http-messages", || run(http_messages::serve())),
    ("http-search", || run(http_search::serve())),
    ("http-users", || run(http_users::serve())),
    ("import-reader", || run(import_reader::serve())),
    ("log-archive", || run(log_archive::serve())),
    ("message-retention", || run(message_retention::serve())),
    ("migrate", || run(migrate::serve())),
    ("receipts", || run(receipts::serve())),
    ("reconcile", || run(reconcile::serve())),
    ("relay", || run(relay::serve())),
    ("search-index", || run(search_index::serve())),
    ("search-reindex", || run(search_reindex::serve())),
    ("user-erasure", || run(user_erasure::serve())),
    ("ws-ack", || run(ws_ack::serve())),
    ("ws-authorizer", || run(ws_authorizer::serve())),
    ("ws-close", || run(ws_close::serve())),
    ("ws-connect", || run(ws_connect::serve())),
    ("ws-default", || run(ws_default::serve())),
    ("ws-disconnect", || run(ws_disconnect::serve())),
    ("ws-open", || run(ws_open::serve())),
    ("ws-read", || run(ws_read::serve())),
    ("ws-send", || run(ws_send::serve())),
    ("ws-sync", || run(ws_sync::serve())),
    ("ws-typing", || run(ws_typing::serve())),
];

fn main() -> Result<(), Error> {
    let program = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&program).file_name().unwrap_or_default();
    let Some((_, run)) = FUNCTIONS.iter().find(|(function, _)| *function == name) else {
        let names = FUNCTIONS.map(|(function, _)| function).join(", ");
        return Err(format!("call this program by the name of a function, such as by a link: {names}").into());
    };
    run()
}
