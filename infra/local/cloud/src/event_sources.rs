//! Event sources besides the APIs: queues, streams of tables, and schedules.

use local_aws::Meter;
use local_lambda::Lambda;
use local_sources::streams::{Mapping, POLL_INTERVAL};
use local_sources::{queues, schedules, streams};
use local_template::model::{Function, QueueEvent, ScheduleEvent, Stack, StreamEvent};

use crate::data_dir::DataDir;
use crate::engines::Engines;
use crate::stage::Stage;

/// Starts the event sources of all functions.
pub(crate) fn serve(
    stage: &Stage,
    stack: &Stack,
    engines: &Engines,
    lambda: &Lambda,
    meter: &Meter,
    data_dir: Option<&DataDir>,
) {
    let sources = EventSourceMappings { stage, stack, engines, lambda, meter, data_dir };
    for function in &stack.functions {
        for event in &function.queue_events {
            sources.queue(function, event);
        }
        for event in &function.stream_events {
            sources.stream(function, event);
        }
        for schedule in &function.schedule_events {
            sources.schedule(function, schedule);
        }
    }
}

struct EventSourceMappings<'a> {
    stage: &'a Stage,
    stack: &'a Stack,
    engines: &'a Engines,
    lambda: &'a Lambda,
    meter: &'a Meter,
    data_dir: Option<&'a DataDir>,
}

impl EventSourceMappings<'_> {
    fn queue(&self, function: &Function, event: &QueueEvent) {
        // The template resolved the event's queue to one of the stack's.
        let Some(queue) = self.stack.queues.iter().find(|queue| queue.logical_id == event.queue) else {
            return;
        };
        let (queue, event, function) = (queue.clone(), event.clone(), function.clone());
        let (sqs, lambda, meter) = (self.engines.sqs.clone(), self.lambda.clone(), self.meter.clone());
        let name = format!("the event source from `{}` to `{}`", queue.logical_id, function.logical_id);
        self.stage.serve(name, |shutdown| async move {
            queues::run(sqs, queue, event, function, lambda, meter, shutdown).await;
            Ok(())
        });
    }

    fn stream(&self, function: &Function, event: &StreamEvent) {
        // The template resolved the event's table to one of the stack's.
        let Some(table) = self.stack.tables.iter().find(|table| table.logical_id == event.table) else {
            return;
        };
        let queues = &self.stack.queues;
        let on_failure = queues.iter().find(|queue| Some(&queue.logical_id) == event.on_failure.as_ref());
        let mapping = Mapping {
            tables: self.engines.tables.clone(),
            table: table.clone(),
            event: event.clone(),
            function: function.clone(),
            lambda: self.lambda.clone(),
            on_failure: on_failure.map(|queue| (self.engines.sqs.clone(), queue.url.clone())),
            positions: self.data_dir.map(DataDir::streams),
            poll_interval: POLL_INTERVAL,
        };
        let name = format!("the event source from `{}` to `{}`", table.logical_id, function.logical_id);
        self.stage.serve(name, |shutdown| streams::run(mapping, shutdown));
    }

    fn schedule(&self, function: &Function, schedule: &ScheduleEvent) {
        let (schedule, function, lambda) = (schedule.clone(), function.logical_id.clone(), self.lambda.clone());
        let name = format!("the schedule {} of `{function}`", schedule.arn);
        self.stage.serve(name, |shutdown| async move {
            schedules::run(schedule, function, lambda, shutdown).await;
            Ok(())
        });
    }
}
