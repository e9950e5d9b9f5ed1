//! A terminal: what others write does not disturb the line that is being typed.

use end_to_end::Cloud;
use pty_process::{OwnedReadPty, OwnedWritePty, Size};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;
use tokio::time::timeout;

use crate::process::{Chat, WAIT_TIMEOUT, program, unique};

struct Terminal {
    child: Child,
    keys: OwnedWritePty,
    screen: OwnedReadPty,
    printed: String,
}

impl Terminal {
    fn start(name: &str) -> Self {
        let (pty, pts) = pty_process::open().unwrap();
        pty.resize(Size::new(40, 200)).unwrap();
        let command = pty_process::Command::new(program());
        let command = command.arg("--endpoints").arg(Cloud::shared().endpoints_file()).arg(name);
        let child = command.kill_on_drop(true).spawn(pts).unwrap();
        let (screen, keys) = pty.into_split();
        Self { child, keys, screen, printed: String::new() }
    }

    async fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).await.unwrap();
    }

    /// Waits until this has been printed since the last call.
    async fn until(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        loop {
            if let Some(at) = self.printed.find(text) {
                self.printed.drain(..at + text.len());
                return;
            }
            let read = timeout(WAIT_TIMEOUT, self.screen.read(&mut buffer)).await;
            let read = read.unwrap_or_else(|_| panic!("waited in vain for {text:?}: {:?}", self.printed)).unwrap();
            self.printed.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    }
}

#[tokio::test]
async fn a_push_leaves_the_line_that_is_being_typed() {
    let (alice, bob) = (unique("alice"), unique("bob"));
    let mut b = Chat::start(&bob).await;
    let mut terminal = Terminal::start(&alice);
    terminal.until("* connected").await;
    terminal.press(&format!("/with {bob}\r")).await;
    terminal.until(&format!("* this is {bob}")).await;
    terminal.until(&format!("{bob}> ")).await;

    terminal.press("half a li").await;
    terminal.until("half a li").await;
    b.ask(&format!("/with {alice}"), "* this is").await;
    b.say("in between").await;
    terminal.until(&format!("{bob}: in between")).await;
    // The prompt and the line are drawn again below.
    terminal.until(&format!("{bob}> half a li")).await;
    terminal.press("ne\r").await;
    b.until(&format!("{alice}: half a line")).await;
    terminal.until(&format!("{alice}: half a line")).await;

    // The history has the line again.
    terminal.press("\u{1b}[A").await;
    terminal.until("half a line").await;
    // Ctrl-C ends the chat in order.
    terminal.press("\u{3}").await;
    let status = timeout(WAIT_TIMEOUT, terminal.child.wait()).await.expect("the chat ends").unwrap();
    assert!(status.success());
}
