//! The entries of `Events`, and what several types have in common.

use local_aws::event_filter::EventFilter;

use super::super::super::error::Fault;
use super::super::super::fields::Fields;
use super::super::super::resource::Resource;
use super::super::super::scope::Scope;
use super::super::super::shape::Shape;
use super::super::super::yaml::Node;

const EVENT: Shape = Shape { place: "an event", supported: &["Type", "Properties"], ignored: &[] };

/// `HttpApi`: a route to the function.
pub(in super::super) const HTTP_API: &str = "HttpApi";

/// A mapping of a queue.
pub(super) const QUEUE: &str = "SQS";
/// A mapping of the stream of a table.
pub(super) const STREAM: &str = "DynamoDB";
/// A rule of EventBridge.
pub(super) const RULE: &str = "Schedule";
/// A schedule of EventBridge Scheduler.
pub(super) const SCHEDULE: &str = "ScheduleV2";
/// A notification of a bucket.
pub(super) const BUCKET: &str = "S3";

const TYPES: [&str; 6] = [HTTP_API, QUEUE, STREAM, RULE, SCHEDULE, BUCKET];

const FILTER_CRITERIA: Shape = Shape { place: "`FilterCriteria`", supported: &["Filters"], ignored: &[] };
const FILTER: Shape = Shape { place: "a filter", supported: &["Pattern"], ignored: &[] };
/// Lambda's quota, unless it is raised.
const MAX_FILTERS: usize = 5;

const REPORT_BATCH_ITEM_FAILURES: &str = "ReportBatchItemFailures";

/// One entry of `Events`: its key and line, its type and its properties.
pub(in super::super) struct Event<'a> {
    pub(in super::super) id: &'a str,
    pub(in super::super) line: usize,
    pub(in super::super) kind: String,
    pub(in super::super) properties: Option<&'a Node>,
}

/// All events of a function; any other type is an error.
pub(in super::super) fn all<'a>(scope: &'a Scope<'a>, function: &'a Resource) -> Result<Vec<Event<'a>>, Fault> {
    let fields = function.fields(scope, &super::super::function_shape::SHAPE)?;
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
pub(super) fn of_type<'a>(
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
pub(super) fn enabled<'a>(
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
pub(super) fn reports_batch_item_failures(fields: &Fields<'_>) -> Result<bool, Fault> {
    let responses = fields.texts("FunctionResponseTypes")?;
    if let Some(other) = responses.iter().find(|kind| *kind != REPORT_BATCH_ITEM_FAILURES) {
        let line = fields.line("FunctionResponseTypes");
        return Err(Fault::unknown_value(line, "the response type", other, [REPORT_BATCH_ITEM_FAILURES]));
    }
    Ok(!responses.is_empty())
}

/// The patterns of `FilterCriteria`.
pub(super) fn filter(fields: &Fields<'_>) -> Result<EventFilter, Fault> {
    let mut filter = EventFilter::default();
    let Some(criteria) = fields.object("FilterCriteria", &FILTER_CRITERIA)? else {
        return Ok(filter);
    };
    let filters = criteria.objects("Filters", &FILTER)?;
    if filters.len() > MAX_FILTERS {
        let sentence = format!("an event source mapping has at most {MAX_FILTERS} filters");
        return Err(Fault::invalid(criteria.line("Filters"), sentence));
    }
    for fields in filters {
        let added = filter.or(&fields.required("Pattern")?);
        added.map_err(|error| Fault::invalid(fields.line("Pattern"), error.to_string()))?;
    }
    Ok(filter)
}
