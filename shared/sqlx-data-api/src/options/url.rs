//! The parser of URLs: `aurora-data-api://[host[:port]]?resource_arn=…&secret_arn=…[&database=…]`.

use std::net::IpAddr;

use sqlx_core::Url;
use sqlx_core::database::Database;
use sqlx_core::error::Error;

use super::DataApiConnectOptions;
use crate::DataApi;

pub(super) fn parse(url: &Url) -> Result<DataApiConnectOptions, Error> {
    if !DataApi::URL_SCHEMES.contains(&url.scheme()) {
        return Err(invalid(format!("the scheme is `{}`, not `{}`", url.scheme(), DataApi::URL_SCHEMES[0])));
    }
    let (mut resource_arn, mut secret_arn, mut database) = (None, None, None);
    for (key, value) in url.query_pairs() {
        let slot = match &*key {
            "resource_arn" => &mut resource_arn,
            "secret_arn" => &mut secret_arn,
            "database" => &mut database,
            _ => {
                return Err(invalid(format!(
                    "`{key}` is not one of the parameters `resource_arn`, `secret_arn` and `database`"
                )));
            }
        };
        *slot = Some(value.into_owned());
    }
    let resource_arn = resource_arn.ok_or_else(|| invalid("`resource_arn` is missing"))?;
    let secret_arn = secret_arn.ok_or_else(|| invalid("`secret_arn` is missing"))?;
    let options = DataApiConnectOptions::without_client(resource_arn, secret_arn);
    Ok(DataApiConnectOptions { database, endpoint: endpoint(url), ..options })
}

pub(super) fn write(options: &DataApiConnectOptions) -> Url {
    let host = options.endpoint.as_deref().and_then(|endpoint| endpoint.split_once("://")).map_or("", |(_, host)| host);
    // Not user input: a scheme, and a host that came out of a URL.
    let mut url: Url =
        format!("{}://{host}", DataApi::URL_SCHEMES[0]).parse().expect("a scheme and a host form a valid URL");
    url.query_pairs_mut()
        .append_pair("resource_arn", &options.resource_arn)
        .append_pair("secret_arn", &options.secret_arn)
        .extend_pairs(options.database.as_deref().map(|database| ("database", database)));
    url
}

fn endpoint(url: &Url) -> Option<String> {
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    let scheme = if loopback { "http" } else { "https" };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{scheme}://{host}{port}"))
}

fn invalid(problem: impl std::fmt::Display) -> Error {
    Error::Configuration(format!("the database URL is not valid: {problem}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "resource_arn=arn%3Aaws%3Ards%3Aeu-west-1%3A1%3Acluster%3Ac&secret_arn=s&database=app";

    fn options(url: &str) -> Result<DataApiConnectOptions, Error> {
        url.parse()
    }

    #[test]
    fn url_is_parsed_and_written_back() {
        for (authority, endpoint) in [
            ("", None),
            ("127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("[::1]:80", Some("http://[::1]:80")),
            ("rds-data.example.com", Some("https://rds-data.example.com")),
        ] {
            let url = format!("aurora-data-api://{authority}?{QUERY}");
            let options = options(&url).unwrap();
            assert_eq!(options.resource_arn, "arn:aws:rds:eu-west-1:1:cluster:c");
            assert_eq!((&*options.secret_arn, options.database.as_deref()), ("s", Some("app")));
            assert_eq!(options.endpoint.as_deref(), endpoint);
            assert_eq!(write(&options).as_str(), url);
        }
    }

    #[test]
    fn unknown_or_incomplete_urls_are_refused() {
        for url in [
            "postgres://?resource_arn=r&secret_arn=s",
            "aurora-data-api://?secret_arn=s",
            "aurora-data-api://?resource_arn=r",
            "aurora-data-api://?resource_arn=r&secret_arn=s&schema=x",
        ] {
            assert!(matches!(options(url), Err(Error::Configuration(_))), "{url}");
        }
    }
}
