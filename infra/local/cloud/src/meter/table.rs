//! A reading for people.

use std::fmt::{self, Write as _};

use local_aws::Operations;

use super::Reading;

impl Reading {
    /// The reading as text. With the logical id of a function, the bill also says what a million of its invocations
    /// would cost, together with all that came with them.
    pub fn table(&self, per: Option<&str>) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text, per);
        text
    }

    fn write(&self, out: &mut String, per: Option<&str>) -> fmt::Result {
        writeln!(out, "{:.1} s", self.seconds)?;
        self.write_functions(out)?;
        self.write_requests(out)?;
        if !self.websocket_apis.is_empty() || !self.http_apis.is_empty() {
            writeln!(out)?;
        }
        for (id, api) in &self.http_apis {
            writeln!(out, "{id}: {} requests", api.requests)?;
        }
        for (id, api) in &self.websocket_apis {
            let (frames_in, frames_out) = (api.frames_in, api.frames_out);
            let minutes = api.connection_minutes;
            writeln!(out, "{id}: {frames_in} messages in, {frames_out} out, {minutes:.1} connection minutes")?;
        }
        if !self.faults.is_empty() {
            let faults: Vec<_> = self.faults.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            writeln!(out, "\nfaults: {}", faults.join(", "))?;
        }
        self.write_bill(out, per)
    }

    fn write_functions(&self, out: &mut String) -> fmt::Result {
        let used = || self.functions.iter().filter(|(_, function)| function.invocations + function.throttles > 0);
        let width = width(used().map(|(id, _)| id.as_str()), "function");
        writeln!(out, "\n{:width$} {:>35} {:>15} {:>23}", "", "", "init ms", "ms")?;
        writeln!(
            out,
            "{:width$} {:>11} {:>6} {:>9} {:>6} {:>7} {:>7} {:>7} {:>7} {:>7} {:>10} {:>9} {:>8}",
            "function",
            "invocations",
            "errors",
            "throttles",
            "cold",
            "p50",
            "max",
            "p50",
            "p99",
            "max",
            "billed ms",
            "GB-s",
            "CPU ms"
        )?;
        for (id, function) in used() {
            writeln!(
                out,
                "{id:width$} {:>11} {:>6} {:>9} {:>6} {:>7.1} {:>7.1} {:>7.1} {:>7.1} {:>7.1} {:>10.0} {:>9.4} {:>8.0}",
                function.invocations,
                function.errors,
                function.throttles,
                function.cold_starts,
                function.init_p50_ms,
                function.init_max_ms,
                function.duration_p50_ms,
                function.duration_p99_ms,
                function.duration_max_ms,
                function.billed_ms,
                function.gb_seconds,
                function.cpu_ms
            )?;
        }
        Ok(())
    }

    fn write_requests(&self, out: &mut String) -> fmt::Result {
        let callers = || {
            let functions = self.functions.iter().map(|(id, function)| (id.as_str(), &function.requests));
            let others = [("(outside)", &self.outside), ("(event sources)", &self.event_sources)];
            functions.chain(others).filter(|(_, operations)| !operations.is_empty())
        };
        let width = width(callers().map(|(id, _)| id), "caller");
        writeln!(
            out,
            "\n{:width$} {:<46} {:>9} {:>7} {:>10} {:>11} {:>7}",
            "caller", "request", "requests", "errors", "read units", "write units", "units"
        )?;
        callers().try_for_each(|(id, operations)| write_operations(out, id, width, operations))
    }

    fn write_bill(&self, out: &mut String, per: Option<&str>) -> fmt::Result {
        let invocations = per.and_then(|id| self.functions.get(id)).map_or(0, |function| function.invocations);
        #[allow(clippy::cast_precision_loss, reason = "no count comes near 2^53")]
        let scale = (invocations > 0).then(|| 1e6 / invocations as f64);
        let width = width(self.bill.lines.iter().map(|line| line.resource.as_str()), "resource");
        write!(out, "\n{:width$} {:<29} {:>14} {:>12}", "resource", "billed", "quantity", "USD")?;
        match (per, scale) {
            (Some(function), Some(_)) => writeln!(out, " {:>14}", format!("per 1M {function}"))?,
            _ => writeln!(out)?,
        }
        let extrapolated = |usd: f64| scale.map_or_else(String::new, |scale| format!(" {:>14.4}", usd * scale));
        for line in &self.bill.lines {
            let (resource, item, quantity, usd) = (&line.resource, line.item, line.quantity, line.usd);
            writeln!(out, "{resource:width$} {item:<29} {quantity:>14.2} {usd:>12.8}{}", extrapolated(usd))?;
        }
        let usd = self.bill.usd;
        writeln!(out, "{:width$} {:<29} {:>14} {usd:>12.8}{}", "total", "", "", extrapolated(usd))
    }
}

fn write_operations(out: &mut String, caller: &str, width: usize, operations: &Operations) -> fmt::Result {
    for (service, operations) in operations {
        for (operation, counts) in operations {
            let request = format!("{service} {operation}");
            writeln!(
                out,
                "{caller:width$} {request:<46} {:>9} {:>7} {:>10.1} {:>11.1} {:>7}",
                counts.requests, counts.errors, counts.read_units, counts.write_units, counts.units
            )?;
        }
    }
    Ok(())
}

fn width<'a>(names: impl Iterator<Item = &'a str>, title: &str) -> usize {
    names.map(str::len).chain([title.len()]).max().unwrap_or_default()
}
