//! Two users chat, with every command.

use crate::process::{Chat, unique};

/// Returns the number of a message from its line: `12:00 #5 alice: hello`.
fn seq(line: &str) -> String {
    let (_, rest) = line.split_once('#').unwrap();
    rest.split(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn two_users_write_change_and_react() {
    let (alice, bob) = (unique("alice"), unique("bob"));
    let (mut a, mut b) = tokio::join!(Chat::start(&alice), Chat::start(&bob));
    a.ask("hello", "* open a conversation first").await;
    a.ask("/with nobody-at-all", "is not here yet").await;
    a.ask("/hsitory", "Did you mean /history?").await;
    a.ask("/edit", "usage: /edit [#SEQ] TEXT").await;

    a.ask(&format!("/with {bob}"), &format!("* this is {bob}")).await;
    let first = seq(&a.ask("hello", &format!("{alice}: hello  ✓")).await);
    // Bob has no conversation open, and learns of it nevertheless.
    b.until(&format!("{alice} (1 unread): {alice}: hello")).await;
    b.ask(&format!("/open {alice}"), &format!("#{first} {alice}: hello")).await;
    a.until(&format!("{bob} has read #{first}")).await;

    b.ask("/react 👍", &format!("{bob} reacted with 👍 on #{first}")).await;
    a.until(&format!("{bob} reacted with 👍 on #{first}")).await;
    a.ask("/edit hello there", &format!("{alice} edited #{first}: hello there")).await;
    b.until(&format!("{alice} edited #{first}: hello there")).await;
    b.say("/reply well met").await;
    a.until(&format!("{bob} (to #{first}): well met")).await;
    b.ask("/history", &format!("{alice}: hello there (edited)")).await;
    b.until("👍 1").await;
    b.ask("/react 👍", &format!("{bob} took back 👍")).await;

    let second = seq(&a.ask("a mistake", &format!("{alice}: a mistake")).await);
    a.ask("/delete", &format!("{alice} deleted #{second}")).await;
    b.until(&format!("{alice} deleted #{second}")).await;
    a.ask("/history 2", "(deleted)").await;
    a.ask("/search well", &format!("{bob}: well met")).await;

    let (printed, status) = a.end().await;
    assert!(status.success());
    let own = printed.iter().filter(|line| line.contains(&format!("{alice}: hello  ✓"))).count();
    assert_eq!(own, 1, "own lines come once: {printed:#?}");
    assert!(!printed.concat().contains('\u{1b}'), "a pipe gets no escapes");
    b.say("/quit").await;
    assert!(b.end().await.1.success());
}

#[tokio::test]
async fn groups_public_conversations_and_files() {
    let (alice, bob) = (unique("alice"), unique("bob"));
    let (mut a, mut b) = tokio::join!(Chat::start(&alice), Chat::start(&bob));
    let title = unique("Night watch");
    a.ask(&format!("/group \"{title}\""), &format!("* this is {title}")).await;
    a.ask("/add nobody-at-all", "user_not_found").await;
    a.ask(&format!("/add {bob}"), &format!("{alice} added {bob}")).await;
    b.until(&format!("{alice} added you to {title}")).await;
    b.ask(&format!("/open {}", title.to_lowercase()), &format!("* this is {title}")).await;
    b.ask("/members", &format!("{alice}: owner")).await;
    b.ask("/who", &format!("{alice}: online")).await;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a report.txt");
    std::fs::write(&file, "all quiet").unwrap();
    a.ask("/file nothing.txt", "* nothing.txt: ").await;
    a.say(&format!("/file \"{}\" look", file.display())).await;
    let seq = seq(&b.until(&format!("{alice}: look")).await);
    b.until("[a report.txt, 9 bytes]").await;
    let target = folder.path().join("saved");
    std::fs::create_dir(&target).unwrap();
    let save = format!("/save #{seq} {}", target.display());
    b.ask(&save, "* saved ").await;
    b.ask(&save, "2-a report.txt").await;
    assert_eq!(std::fs::read_to_string(target.join("a report.txt")).unwrap(), "all quiet");
    b.ask("/leave", &format!("* you have left {title}")).await;
    a.until(&format!("{bob} left")).await;

    let public = unique("Harbour");
    a.ask(&format!("/public {public}"), &format!("* this is {public}")).await;
    b.ask(&format!("/search {public}"), &format!("   1  {public} (1 members)")).await;
    b.ask("/join 1", &format!("* this is {public}")).await;
    b.ask("ahoy", &format!("{bob}: ahoy")).await;
    b.ask("/list", &public).await;
    assert!(b.end().await.1.success());
    assert!(a.end().await.1.success());
}

#[tokio::test]
async fn what_was_sent_before_the_end_of_the_input_arrives() {
    let (alice, bob) = (unique("alice"), unique("bob"));
    let (mut a, mut b) = tokio::join!(Chat::start(&alice), Chat::start(&bob));
    a.say(&format!("/with {bob}\nfirst\nsecond")).await;
    let (printed, status) = a.end().await;
    assert!(status.success());
    for text in ["first", "second"] {
        assert!(printed.iter().any(|line| line.contains(&format!("{alice}: {text}"))), "{printed:#?}");
        b.until(&format!("{alice}: {text}")).await;
    }
    assert!(b.end().await.1.success());
}
