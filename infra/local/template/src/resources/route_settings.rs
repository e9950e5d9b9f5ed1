//! `DefaultRouteSettings` and `RouteSettings` of a stage, as SAM's APIs and `AWS::ApiGatewayV2::Stage` have them.

use std::collections::BTreeMap;

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::model::RouteLimit;
use super::super::shape::Shape;

/// The settings of one route, or of all that have none.
pub(super) const SETTINGS: Shape = Shape {
    place: "the settings of a route",
    supported: &["ThrottlingBurstLimit", "ThrottlingRateLimit"],
    ignored: &[(
        &["DataTraceEnabled", "DetailedMetricsEnabled", "LoggingLevel"],
        "requests are logged to the terminal, and the meter counts all of them",
    )],
};

const DEFAULT: &str = "DefaultRouteSettings";
const BY_ROUTE: &str = "RouteSettings";

/// Either of a route's two limits, where the template sets it.
#[derive(Clone, Copy, Default)]
pub(super) struct Limits {
    rate: Option<f64>,
    burst: Option<u32>,
}

impl Limits {
    pub(super) fn read(settings: &Fields<'_>) -> Result<Self, Fault> {
        let burst = settings.number("ThrottlingBurstLimit", 0..=u32::MAX)?;
        let Some(text) = settings.text("ThrottlingRateLimit")? else {
            return Ok(Self { rate: None, burst });
        };
        match text.parse::<f64>() {
            Ok(rate) if rate.is_finite() && rate >= 0.0 => Ok(Self { rate: Some(rate), burst }),
            _ => {
                let sentence = format!("`ThrottlingRateLimit` is a number of requests a second, unlike `{text}`");
                Err(Fault::invalid(settings.line("ThrottlingRateLimit"), sentence))
            }
        }
    }

    /// These, and where one is missing the other's.
    fn or(self, other: Self) -> Self {
        Self { rate: self.rate.or(other.rate), burst: self.burst.or(other.burst) }
    }

    /// With the account's limit in the place of one that is not set; `None` where neither is.
    fn complete(self) -> Option<RouteLimit> {
        let RouteLimit { rate, burst } = RouteLimit::ACCOUNT;
        let set = self.rate.is_some() || self.burst.is_some();
        set.then(|| RouteLimit { rate: self.rate.unwrap_or(rate), burst: self.burst.unwrap_or(burst) })
    }
}

/// The limits of each of an API's routes: its own in `own` (by key, from events of functions), else those of the stage for the
/// route, else those for all routes. Every route has them to itself. AWS does not say what holds for a route that sets only
/// one of the two; here the other is inherited.
pub(super) fn route_limits<'a>(
    stage: &Fields<'_>,
    routes: impl Iterator<Item = &'a str>,
    own: &BTreeMap<String, Limits>,
) -> Result<BTreeMap<String, RouteLimit>, Fault> {
    let default = match stage.object(DEFAULT, &SETTINGS)? {
        Some(settings) => Limits::read(&settings)?,
        None => Limits::default(),
    };
    let mut by_route = BTreeMap::new();
    for (key, line, settings) in stage.objects_by_key(BY_ROUTE, &SETTINGS)? {
        by_route.insert(key, (line, Limits::read(&settings)?));
    }
    let mut limits = BTreeMap::new();
    for key in routes {
        let of_stage = by_route.remove(key).map(|(_, limits)| limits).unwrap_or_default();
        let of_route = own.get(key).copied().unwrap_or_default();
        if let Some(limit) = of_route.or(of_stage).or(default).complete() {
            limits.insert(key.to_owned(), limit);
        }
    }
    match by_route.into_iter().next() {
        Some((key, (line, _))) => {
            Err(Fault::invalid(line, format!("`{BY_ROUTE}` names `{key}`, and the API has no such route")))
        }
        None => Ok(limits),
    }
}
