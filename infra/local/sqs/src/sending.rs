//! `SendMessage` and `SendMessageBatch`: what is accepted is in the journal.

use rustack_sqs_model::input::{SendMessageBatchInput, SendMessageInput};
use rustack_sqs_model::output::{SendMessageBatchOutput, SendMessageOutput};
use rustack_sqs_model::types::{MessageSystemAttributeValue, SendMessageBatchResultEntry};
use sha2::{Digest, Sha256};

use crate::message::{Stored, size};
use crate::state::Change;
use crate::{Locked, Sqs, SqsError, limits, now, trace};
use local_aws::hex;

impl Sqs {
    /// Sends a message of the cloud's own, for example to a queue that is the destination of a function.
    pub async fn send_text(&self, queue_url: &str, body: String) -> Result<(), SqsError> {
        let input =
            SendMessageInput { queue_url: queue_url.to_owned(), message_body: body, ..SendMessageInput::default() };
        self.send(input).await.map(drop)
    }

    /// Sends a message, and returns once it is on the disk.
    pub async fn send(&self, input: SendMessageInput) -> Result<SendMessageOutput, SqsError> {
        self.change(|locked| locked.send(input)).await
    }

    pub(crate) async fn send_batch(&self, input: SendMessageBatchInput) -> Result<SendMessageBatchOutput, SqsError> {
        self.change(|locked| {
            locked.queue(&input.queue_url)?;
            limits::check_batch("SendMessageBatch", input.entries.iter().map(|entry| entry.id.as_str()))?;
            let bytes = input.entries.iter().map(|entry| size(&entry.message_body, &entry.message_attributes));
            limits::check_batch_size(bytes.sum())?;
            let mut output = SendMessageBatchOutput::default();
            for entry in input.entries {
                let message = SendMessageInput {
                    queue_url: input.queue_url.clone(),
                    message_body: entry.message_body,
                    delay_seconds: entry.delay_seconds,
                    message_deduplication_id: entry.message_deduplication_id,
                    message_group_id: entry.message_group_id,
                    message_attributes: entry.message_attributes,
                    message_system_attributes: entry.message_system_attributes,
                };
                match locked.send(message) {
                    Ok(sent) => output.successful.push(SendMessageBatchResultEntry {
                        id: entry.id,
                        message_id: sent.message_id.unwrap_or_default(),
                        md5_of_message_body: sent.md5_of_message_body.unwrap_or_default(),
                        md5_of_message_attributes: sent.md5_of_message_attributes,
                        sequence_number: sent.sequence_number,
                    }),
                    Err(error) => output.failed.push(error.of_entry(entry.id)),
                }
            }
            Ok(output)
        })
        .await
    }
}

impl Locked {
    fn send(&mut self, mut input: SendMessageInput) -> Result<SendMessageOutput, SqsError> {
        let now = now();
        let queue = self.queue(&input.queue_url)?;
        limits::check_send(&input, &queue.attributes, queue.is_fifo)?;
        if queue.is_fifo && input.message_deduplication_id.is_none() {
            input.message_deduplication_id = Some(hex(&Sha256::digest(&input.message_body)));
        }
        let duplicate =
            queue.duplicate(input.message_deduplication_id.as_deref(), input.message_group_id.as_deref(), now);
        let delay = match input.delay_seconds {
            Some(delay) if !queue.is_fifo => u64::try_from(delay).unwrap_or_default(),
            _ => queue.attributes.number("DelaySeconds"),
        };
        let (name, is_fifo) = (queue.name.clone(), queue.is_fifo);
        let number = duplicate.map_or_else(|| self.state.number(), |known| known.number);
        let mut message = Stored::new(number, input, now, delay);
        if let Some(known) = duplicate {
            message.id = known.id;
        }
        let output = SendMessageOutput {
            message_id: Some(message.id.to_string()),
            md5_of_message_body: Some(message.body_digest()),
            md5_of_message_attributes: message.attributes_digest(),
            md5_of_message_system_attributes: message.system_attributes_digest(),
            sequence_number: is_fifo.then(|| message.sequence_number()),
        };
        if duplicate.is_none() {
            // After the digest, which is of what the sender gave. What the sender gave wins.
            if let Some(header) = trace::header() {
                let value = MessageSystemAttributeValue {
                    data_type: "String".to_owned(),
                    string_value: Some(header),
                    binary_value: None,
                };
                message.system_attributes.entry(trace::ATTRIBUTE.to_owned()).or_insert(value);
            }
            self.apply(Change::Sent { queue: name, message });
        }
        Ok(output)
    }
}
