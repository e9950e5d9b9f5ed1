//! Runs the steps of a scenario.

use std::collections::BTreeMap;
use std::time::Instant;

use end_to_end::Cloud;

use crate::backstage::Backstage;
use crate::expectation::{PAUSE, WAIT_TIMEOUT, wait_for};
use crate::player::{Player, plan_faults};
use crate::scenario::{Network, Say, Scenario, Step, Text};

/// The clients of one scenario.
#[derive(Debug)]
pub(crate) struct Stage {
    cloud: &'static Cloud,
    scenario: Scenario,
    backstage: Backstage,
    players: BTreeMap<String, Player>,
}

impl Stage {
    pub(crate) async fn new(cloud: &'static Cloud, scenario: Scenario) -> Self {
        let backstage = Backstage::prepare(cloud, &scenario).await;
        Self { cloud, scenario, backstage, players: BTreeMap::new() }
    }

    /// Runs all steps. The failure of a step names it.
    pub(crate) async fn run(mut self) -> Result<(), String> {
        for (index, step) in std::mem::take(&mut self.scenario.steps).into_iter().enumerate() {
            let described: String = format!("{step:?}").chars().take(200).collect();
            self.step(step).await.map_err(|failure| format!("step {}, {described}: {failure}", index + 1))?;
        }
        Ok(())
    }

    async fn step(&mut self, step: Step) -> Result<(), String> {
        let backstage = &self.backstage;
        match step {
            Step::Start { client } => return self.start(client).await,
            Step::Stop { client } => drop(self.players.remove(&client)),
            Step::Open { client } => self.player(&client).open(),
            Step::Read { client } => self.player(&client).read().await,
            Step::Say(say) => self.say(say).await,
            Step::Edit { user, text, to } => backstage.edit(&user, &text, &to).await,
            Step::Delete { user, text } => backstage.delete(&user, &text).await,
            Step::React { user, text, emoji, on } => backstage.react(&user, &text, &emoji, on.unwrap_or(true)).await,
            Step::Add { user, member } => backstage.add(&user, &member).await,
            Step::Remove { user, member } => backstage.remove(&user, &member).await,
            Step::DeleteAccount { user, messages } => backstage.delete_account(&user, &messages).await,
            Step::Network(network) => self.network(&network),
            Step::Faults { plan: Some(plan) } => plan_faults(self.cloud, &plan).await,
            Step::Faults { plan: None } => self.cloud.clear_faults().await,
            Step::Kill { function } => drop(self.cloud.kill(&function).await),
            Step::Expect(expect) => return wait_for(self.player(&expect.client), &expect).await,
            Step::History { user, texts } => return backstage.expect_history(&user, &texts).await,
        }
        Ok(())
    }

    /// Starts a client, and waits until it has caught up.
    async fn start(&mut self, name: String) -> Result<(), String> {
        let described = &self.scenario.clients[&name];
        let user = (self.backstage.username(&described.user), self.backstage.user(&described.user));
        let player = Player::start(self.cloud, described, user, self.backstage.conversation_id()).await;
        let deadline = Instant::now() + WAIT_TIMEOUT;
        while !player.client.is_caught_up().await {
            if Instant::now() >= deadline {
                return Err("the client does not catch up".to_owned());
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.players.insert(name, player);
        Ok(())
    }

    async fn say(&mut self, Say { client, user, texts, wait, count, prefix }: Say) {
        let written = texts.iter().map(Text::written);
        let Some(client) = client else {
            let numbered = (0..count).map(|number| format!("{prefix} {number}"));
            let texts: Vec<String> = written.chain(numbered).collect();
            return self.backstage.say(&user.expect("a client or a user"), &texts).await;
        };
        let player = self.players.get_mut(&client).expect("the client was started");
        let waiting = player.say(written);
        if wait.unwrap_or(true) {
            for outcome in waiting {
                outcome.await.expect("an outcome");
            }
        }
    }

    fn network(&self, network: &Network) {
        let player = self.player(&network.client);
        player.proxy.change(network);
        if network.offline == Some(false) {
            player.client.sync();
        }
    }

    fn player(&self, name: &str) -> &Player {
        self.players.get(name).expect("the client was started")
    }
}
