//! Edits and reactions of a device.

use std::rc::Rc;
use std::time::Duration;

use domain::amendment::Amendment;
use domain::reaction::Emoji;
use domain::{ApiError, Content, ErrorCode, Seq, UserId};
use end_to_end::crash::unless_crashed;
use futures_util::future::join_all;
use rand::RngExt;
use rand::rngs::StdRng;

use super::{Device, MAX_ROUNDS, POLLS};
use crate::executor::{self, Machine, Name};
use crate::history::What;

/// Time for which a sender may edit: longer than any run.
const EDIT_WINDOW: Duration = Duration::from_hours(1);

/// Emoji, one for each device: what one of them wants is then what its user wants.
const EMOJI: [&str; 6] = ["👍", "🎉", "😀", "🚀", "🍀", "🔥"];

/// An amendment, and the outcomes of its requests.
pub(crate) struct Amended {
    pub(crate) actor: UserId,
    pub(crate) target: Seq,
    pub(crate) amendment: Amendment,
    /// The seq of the event, or none if nothing changed; `None` for calls that crashed or have to be repeated.
    pub(crate) answers: Vec<Option<Result<Option<Seq>, ErrorCode>>>,
}

impl Amended {
    /// Returns true if a request has answered.
    pub(crate) fn is_answered(&self) -> bool {
        self.answers.iter().any(Option::is_some)
    }
}

impl Device {
    /// Amends a message until that is answered: edits one of its own, or reacts to any.
    pub(super) async fn amend(&mut self, rng: &mut StdRng) {
        let own = self.done.accepted.get(rng.random_range(0..=self.done.accepted.len())).copied();
        let (target, amendment) = match own {
            Some(target) if rng.random_bool(0.5) => {
                let text = format!("{}: edit {}", self.number, self.done.amended.len());
                let content = Content::new(text, None, Vec::new()).expect("a short text");
                (target, Amendment::Edit(content))
            }
            own => {
                let target = own.unwrap_or_else(|| Seq(rng.random_range(1..=self.seen)));
                let emoji = Emoji::parse(EMOJI[self.number]).expect("an emoji");
                (target, Amendment::React { emoji, on: rng.random() })
            }
        };
        let actor = self.conversation.users[self.user];
        let mut amended = Amended { actor, target, amendment, answers: Vec::new() };
        executor::note(What::Amends(format!("{target}: {:?}", amended.amendment)));
        for _ in 0..MAX_ROUNDS {
            if amended.is_answered() {
                break;
            }
            let times = if rng.random_bool(0.25) { 2 } else { 1 };
            let calls: Vec<_> = (0..times).map(|call| self.amend_once(rng, &amended, call)).collect();
            amended.answers.extend(join_all(calls).await);
        }
        self.done.amended.push(amended);
    }

    fn amend_once(
        &self,
        rng: &mut StdRng,
        amended: &Amended,
        call: usize,
    ) -> impl Future<Output = Option<Result<Option<Seq>, ErrorCode>>> + use<> {
        let crash = rng.random_bool(0.25).then(|| rng.random_range(1..POLLS));
        let name = Name::Amend(self.number, self.done.amended.len(), amended.answers.len() + call);
        let machine = Machine::new(name, rng.random(), self.conversation.skew);
        let conversation = Rc::clone(&self.conversation);
        let Amended { actor, target, amendment, .. } = amended;
        let (actor, target, amendment) = (*actor, *target, amendment.clone());
        let handle = executor::spawn(machine, async move {
            let log = &conversation.log;
            let amend = log.amend(conversation.id, actor, target, &amendment, EDIT_WINDOW);
            let answer = unless_crashed(amend, crash).await.map(|answer| match answer {
                Ok(amended) => Ok(amended.event.map(|event| event.seq)),
                Err(error) => Err(ApiError::from(error).code),
            });
            executor::note(What::Answered(format!("{answer:?}")));
            answer.filter(|answer| *answer != Err(ErrorCode::Busy))
        });
        handle.join()
    }
}
