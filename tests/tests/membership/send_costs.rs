//! The requests and read units of a message, by the meter of the cloud: the first one of a process, and the next ones.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use end_to_end::{Cloud, Socket, TestUser};
use futures_util::future::join_all;

use crate::group::Group;
use crate::public_costs::{requests, since, usage_so_far};

/// Requests to AWS without the posts to connections, and read units.
type Usage = (BTreeMap<String, u64>, f64);

/// Sends one text, and returns its cost.
async fn cost(cloud: &Cloud, group: &Group, sender: &mut Socket) -> Usage {
    let (before, units_before) = usage_so_far(cloud).await;
    assert_eq!(group.send_text(sender, "hear").await["type"], "sent");
    let (after, units) = usage_so_far(cloud).await;
    let mut spent = since(&before, after);
    spent.remove("PostToConnection");
    (spent, units - units_before)
}

/// Sends until a message has at most these requests, and returns its cost. The first ones may have more: members are not remembered
/// until two seconds after a change, and a slow put on a busy machine makes the function read connections again.
async fn warm_cost(cloud: &Cloud, group: &Group, sender: &mut Socket, expected: u64) -> Usage {
    let begun = Instant::now();
    loop {
        let next = cost(cloud, group, sender).await;
        if next.0.values().sum::<u64>() <= expected || begun.elapsed() > Duration::from_secs(20) {
            return next;
        }
        // Well below the flood limit.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Uses a cloud of its own, without other traffic.
#[tokio::test]
async fn process_that_remembers_a_group_pays_for_the_put_alone() {
    let cloud = &Cloud::start(None);
    // The requests of a cold start are not counted.
    let (yara, zoe) = (TestUser::of(cloud, "yara").await, TestUser::of(cloud, "zoe").await);
    let other = Group::of(&yara, &[&zoe]).await;
    assert_eq!(other.send_text(&mut yara.connect().await, "first").await["type"], "sent");

    for (members, units_of_roster) in [(2, 1.0), (10, 1.0), (100, 5.5)] {
        let names: Vec<String> = (1..members).map(|n| format!("member-{members}-{n}")).collect();
        let alice = TestUser::of(cloud, &format!("alice-{members}")).await;
        let others = join_all(names.iter().map(|name| TestUser::of(cloud, name))).await;
        let others: Vec<&TestUser> = others.iter().collect();
        let mut parts = others.chunks(49);
        let group = Group::of(&alice, parts.next().expect("members")).await;
        for part in parts {
            assert_eq!(group.add(&alice, part).await.0, 204);
        }
        let mut a = alice.connect().await;

        let (found, units) = cost(cloud, &group, &mut a).await;
        let read = [("BatchGetItem", 1), ("PutItem", 1), ("Query", 2)];
        assert_eq!(found, requests(&read), "the log, the roster and the connections of {members}");
        let all = 0.5 + units_of_roster + 0.5 * f64::from(members);
        assert!(units <= all, "{units} read units of {members}, at most {all}");

        let requests_of_two = if members == 2 { 2 } else { 1 };
        let (found, units) = warm_cost(cloud, &group, &mut a, requests_of_two).await;
        if members == 2 {
            assert_eq!(
                found,
                requests(&[("BatchGetItem", 1), ("PutItem", 1)]),
                "the connections of two are always read"
            );
            assert!(units <= 1.0, "{units}");
        } else {
            assert_eq!(found, requests(&[("PutItem", 1)]), "{members} members");
            assert!(units.abs() < f64::EPSILON, "{units}");
        }
    }
}
