//! Queues themselves: creating, describing, changing, emptying and deleting them.

use std::collections::HashMap;

use local_template::model;
use rustack_sqs_model::input::{
    CreateQueueInput, DeleteQueueInput, GetQueueAttributesInput, GetQueueUrlInput, ListDeadLetterSourceQueuesInput,
    ListQueueTagsInput, ListQueuesInput, PurgeQueueInput, SetQueueAttributesInput, TagQueueInput, UntagQueueInput,
};
use rustack_sqs_model::output::{
    CreateQueueOutput, DeleteQueueOutput, GetQueueAttributesOutput, GetQueueUrlOutput,
    ListDeadLetterSourceQueuesOutput, ListQueueTagsOutput, ListQueuesOutput, PurgeQueueOutput,
    SetQueueAttributesOutput,
};

use crate::attributes::check_names;
use crate::error::{PURGED_LATELY, QUEUE_EXISTS};
use crate::queue::Queue;
use crate::state::Change;
use crate::{Sqs, SqsError, now};

/// Time between two purges of a queue, in milliseconds.
const PURGE_MILLIS: u64 = 60_000;

impl Sqs {
    pub(crate) fn create_queue(&self, input: CreateQueueInput) -> Result<CreateQueueOutput, SqsError> {
        let CreateQueueInput { queue_name: name, attributes, tags } = input;
        let is_fifo = name.strip_suffix(".fifo").is_some();
        let stem = name.strip_suffix(".fifo").unwrap_or(&name);
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if stem.is_empty() || name.len() > 80 || !stem.chars().all(fits) {
            let reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
            return Err(SqsError::value(&name, "QueueName", reason));
        }
        if is_fifo != attributes.get("FifoQueue").is_some_and(|value| value == "true") {
            let reason = "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end \
                          with .fifo suffix and be 1 to 80 in length.";
            return Err(SqsError::value(&name, "QueueName", reason));
        }
        let (region, account) = (&self.inner.region, &self.inner.account);
        let url = format!("http://{}/{account}/{name}", self.inner.address);
        let arn = format!("arn:aws:sqs:{region}:{account}:{name}");
        let attributes = attributes.into_iter().collect();
        let new = model::Queue { logical_id: name.clone(), name: name.clone(), url: url.clone(), arn, attributes };
        let mut queue = Queue::new(&new, now())?;
        queue.tags.extend(tags);
        let mut locked = self.lock();
        match locked.state.queues.get(&name) {
            Some(there) if there.attributes != queue.attributes => {
                let sentence = "A queue already exists with the same name and a different value for an attribute";
                Err(SqsError::new(QUEUE_EXISTS, sentence))
            }
            Some(there) => Ok(CreateQueueOutput { queue_url: Some(there.url.clone()) }),
            None => {
                locked.state.queues.insert(name, queue);
                Ok(CreateQueueOutput { queue_url: Some(url) })
            }
        }
    }

    pub(crate) async fn delete_queue(&self, input: DeleteQueueInput) -> Result<DeleteQueueOutput, SqsError> {
        self.change(|locked| {
            let name = locked.queue(&input.queue_url)?.name.clone();
            locked.apply(Change::Purged { queue: name.clone() });
            locked.state.queues.remove(&name);
            Ok(DeleteQueueOutput {})
        })
        .await
    }

    pub(crate) async fn purge_queue(&self, input: PurgeQueueInput) -> Result<PurgeQueueOutput, SqsError> {
        self.change(|locked| {
            let now = now();
            let queue = locked.queue(&input.queue_url)?;
            if queue.purged.is_some_and(|purged| now < purged + PURGE_MILLIS) {
                let sentence = format!("Only one PurgeQueue operation on {} is allowed every 60 seconds.", queue.name);
                return Err(SqsError::new(PURGED_LATELY, sentence));
            }
            queue.purged = Some(now);
            let name = queue.name.clone();
            locked.apply(Change::Purged { queue: name });
            Ok(PurgeQueueOutput {})
        })
        .await
    }

    pub(crate) fn queue_url(&self, input: &GetQueueUrlInput) -> Result<GetQueueUrlOutput, SqsError> {
        if input.queue_name.is_empty() {
            return Err(SqsError::missing("QueueName"));
        }
        Ok(GetQueueUrlOutput { queue_url: Some(self.lock().queue(&input.queue_name)?.url.clone()) })
    }

    pub(crate) fn list_queues(&self, input: &ListQueuesInput) -> ListQueuesOutput {
        let most = input.max_results.and_then(|most| usize::try_from(most).ok()).unwrap_or(1000).clamp(1, 1000);
        let prefix = input.queue_name_prefix.as_deref().unwrap_or_default();
        let locked = self.lock();
        let after = |name: &str| input.next_token.as_deref().is_none_or(|token| name > token);
        let queues = locked.state.queues.values();
        let mut queues = queues.filter(|queue| queue.name.starts_with(prefix) && after(&queue.name)).peekable();
        let page: Vec<_> = queues.by_ref().take(most).collect();
        let next_token = queues.peek().and(page.last()).map(|last| last.name.clone());
        ListQueuesOutput { queue_urls: page.iter().map(|queue| queue.url.clone()).collect(), next_token }
    }

    pub(crate) fn queue_attributes(
        &self,
        input: &GetQueueAttributesInput,
    ) -> Result<GetQueueAttributesOutput, SqsError> {
        let mut locked = self.lock();
        let now = now();
        let queue = locked.queue(&input.queue_url)?;
        check_names(&input.attribute_names)?;
        queue.pass(now);
        let mut all = queue.attributes.all(queue.is_fifo);
        let counts = queue.counts(now);
        let computed = [
            ("ApproximateNumberOfMessages", counts.visible.to_string()),
            ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
            ("CreatedTimestamp", (queue.created / 1000).to_string()),
            ("LastModifiedTimestamp", (queue.modified / 1000).to_string()),
            ("QueueArn", queue.arn.clone()),
        ];
        all.extend(computed.map(|(name, value)| (name.to_owned(), value)));
        let names = &input.attribute_names;
        let wanted = |name: &String| names.contains(name) || names.iter().any(|name| name == "All");
        Ok(GetQueueAttributesOutput { attributes: all.into_iter().filter(|(name, _)| wanted(name)).collect() })
    }

    pub(crate) fn set_queue_attributes(
        &self,
        input: &SetQueueAttributesInput,
    ) -> Result<SetQueueAttributesOutput, SqsError> {
        let mut locked = self.lock();
        let queue = locked.queue(&input.queue_url)?;
        queue.attributes.update(&input.attributes, queue.is_fifo)?;
        queue.modified = now();
        Ok(SetQueueAttributesOutput {})
    }

    pub(crate) fn tags(&self, input: &ListQueueTagsInput) -> Result<ListQueueTagsOutput, SqsError> {
        let tags: HashMap<_, _> = self.lock().queue(&input.queue_url)?.tags.clone().into_iter().collect();
        Ok(ListQueueTagsOutput { tags })
    }

    pub(crate) fn tag(&self, input: TagQueueInput) -> Result<(), SqsError> {
        self.lock().queue(&input.queue_url)?.tags.extend(input.tags);
        Ok(())
    }

    pub(crate) fn untag(&self, input: &UntagQueueInput) -> Result<(), SqsError> {
        self.lock().queue(&input.queue_url)?.tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    }

    pub(crate) fn dead_letter_sources(
        &self,
        input: &ListDeadLetterSourceQueuesInput,
    ) -> Result<ListDeadLetterSourceQueuesOutput, SqsError> {
        let mut locked = self.lock();
        let arn = locked.queue(&input.queue_url)?.arn.clone();
        let queues = locked.state.queues.values();
        let sources = queues.filter(|queue| queue.attributes.redrive().is_some_and(|redrive| redrive.target == arn));
        let queue_urls = sources.map(|queue| queue.url.clone()).collect();
        Ok(ListDeadLetterSourceQueuesOutput { queue_urls, ..ListDeadLetterSourceQueuesOutput::default() })
    }
}
