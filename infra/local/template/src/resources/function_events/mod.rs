//! `Events` of a function: what invokes it. One file per type; those of type `HttpApi` are routes of their API.

mod bucket;
mod queue;
mod schedule;
mod stream;

use local_aws::event_filter::EventFilter;

use super::super::error::Fault;
use super::super::scope::Scope;
use super::super::shape::{Fields, Shape};
use super::super::yaml::Node;
use super::Resource;

pub(super) use bucket::bucket_notifications;
pub(super) use queue::queue_events;
pub(super) use schedule::schedule_events;
pub(super) use stream::stream_events;

const EVENT: Shape = Shape { place: "an event", honoured: &["Type", "Properties"], ignored: &[] };

/// `HttpApi`: a route to the function.
pub(super) const HTTP_API: &str = "HttpApi";

const TYPES: [&str; 6] = [HTTP_API, queue::TYPE, stream::TYPE, schedule::RULE_TYPE, schedule::TYPE, bucket::TYPE];

const FILTER_CRITERIA: Shape = Shape { place: "`FilterCriteria`", honoured: &["Filters"], ignored: &[] };
const FILTER: Shape = Shape { place: "a filter", honoured: &["Pattern"], ignored: &[] };
/// Lambda's quota, unless it is raised.
const MOST_FILTERS: usize = 5;

const REPORT_BATCH_ITEM_FAILURES: &str = "ReportBatchItemFailures";

/// One entry of `Events`: its key and line, its type and its properties.
pub(super) struct Event<'a> {
    pub(super) id: &'a str,
    pub(super) line: usize,
    pub(super) kind: String,
    pub(super) properties: Option<&'a Node>,
}

/// All events of a function; any other type is an error.
pub(super) fn all<'a>(scope: &'a Scope<'a>, function: &'a Resource) -> Result<Vec<Event<'a>>, Fault> {
    let fields = function.fields(scope, &super::function_shape::SHAPE)?;
    let mut events = Vec::new();
    for (entry, node) in fields.entries("Events")? {
        let Some(event) = Fields::open(scope, node, &EVENT)? else {
            continue;
        };
        let kind = event.one_of("Type", &TYPES)?.ok_or_else(|| event.missing("Type"))?;
        events.push(Event { id: &entry.key, line: entry.line, kind, properties: event.node("Properties")? });
    }
    Ok(events)
}

/// The keys and the properties of all events of one type.
fn of_type<'a>(
    scope: &'a Scope<'a>,
    function: &'a Resource,
    kind: &str,
    shape: &'static Shape,
) -> Result<Vec<(&'a str, Fields<'a>)>, Fault> {
    let mut events = Vec::new();
    for event in all(scope, function)?.into_iter().filter(|event| event.kind == kind) {
        let properties = event.properties.ok_or_else(|| Fault::missing(event.line, "Properties", shape.place))?;
        if let Some(fields) = Fields::open(scope, properties, shape)? {
            events.push((event.id, fields));
        }
    }
    Ok(events)
}

/// Like [`of_type`], without those that have `Enabled: false`.
fn enabled<'a>(
    scope: &'a Scope<'a>,
    function: &'a Resource,
    kind: &str,
    shape: &'static Shape,
) -> Result<Vec<(&'a str, Fields<'a>)>, Fault> {
    let mut events = Vec::new();
    for (id, fields) in of_type(scope, function, kind, shape)? {
        if fields.boolean("Enabled")? != Some(false) {
            events.push((id, fields));
        }
    }
    Ok(events)
}

/// Returns true if `FunctionResponseTypes` holds the only type there is.
fn reports_batch_item_failures(fields: &Fields<'_>) -> Result<bool, Fault> {
    let responses = fields.texts("FunctionResponseTypes")?;
    if let Some(other) = responses.iter().find(|kind| *kind != REPORT_BATCH_ITEM_FAILURES) {
        let line = fields.line("FunctionResponseTypes");
        return Err(Fault::unknown_value(line, "the response type", other, [REPORT_BATCH_ITEM_FAILURES]));
    }
    Ok(!responses.is_empty())
}

/// The patterns of `FilterCriteria`.
fn filter(fields: &Fields<'_>) -> Result<EventFilter, Fault> {
    let mut filter = EventFilter::default();
    let Some(criteria) = fields.object("FilterCriteria", &FILTER_CRITERIA)? else {
        return Ok(filter);
    };
    let filters = criteria.objects("Filters", &FILTER)?;
    if filters.len() > MOST_FILTERS {
        let sentence = format!("an event source mapping has at most {MOST_FILTERS} filters");
        return Err(Fault::invalid(criteria.line("Filters"), sentence));
    }
    for fields in filters {
        let added = filter.or(&fields.required("Pattern")?);
        added.map_err(|error| Fault::invalid(fields.line("Pattern"), error.to_string()))?;
    }
    Ok(filter)
}
