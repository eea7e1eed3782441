//! `rrddata`: points of the past; where nothing was measured a point holds nothing but its time.

use serde_json::{Value, json};

use super::super::{Answer, Call};
use crate::clock;
use crate::state::ApiError;

/// Seconds between points and number of points.
fn resolution(timeframe: &str) -> (i64, i64) {
    match timeframe {
        "hour" => (60, 60),
        "day" => (60, 1440),
        "week" => (1800, 336),
        "month" => (1800, 1440),
        "year" => (21_600, 1440),
        _ => (604_800, 520),
    }
}

/// All points; `measured` gives those since `since` (epoch seconds), by the seconds that passed until then.
fn points(timeframe: &str, since: i64, measured: impl Fn(i64) -> Value) -> Value {
    let (step, count) = resolution(timeframe);
    let last = clock::now() / step * step;
    let point = |index: i64| {
        let time = last - (count - 1 - index) * step;
        // The newest point is still being gathered.
        if time < since || time + step > clock::now() {
            return json!({ "time": time });
        }
        let mut point = measured(time - since);
        point["time"] = json!(time);
        point
    };
    Value::Array((0..count).map(point).collect())
}

fn wave(seconds: i64, period: i64) -> f64 {
    let phase = seconds.rem_euclid(period);
    let half = period / 2;
    let rising = if phase < half { phase } else { period - phase };
    rising as f64 / half as f64
}

/// `/nodes/{node}/lxc/{vmid}/rrddata`.
pub(super) fn container(call: &Call) -> Result<Answer, ApiError> {
    let figures = call.host.current_status(call.vmid())?;
    let run = call.host.with(call.vmid(), |container| container.run.clone())?;
    let (max_memory, max_disk) = (figures["maxmem"].clone(), figures["maxdisk"].clone());
    let memory = figures["mem"].as_f64().unwrap_or_default();
    let disk = figures["disk"].as_f64().unwrap_or_default();
    let phase = i64::from(call.vmid()) * 131;
    let since = run.map_or(i64::MAX, |run| run.since_ms / 1000);
    let measured = |seconds: i64| {
        let load = wave(seconds + phase, 3600);
        json!({
            "cpu": 0.005 + 0.08 * load, "maxcpu": figures["cpus"], "mem": memory * (0.9 + 0.2 * load), "maxmem": max_memory,
            "disk": disk, "maxdisk": max_disk, "diskread": 28_368.6 * load, "diskwrite": 9_374.8 * load,
            "netin": 4.7 + 40.0 * load, "netout": 16.8 + 20.0 * load,
        })
    };
    Ok(points(call.get("timeframe"), since, measured).into())
}

/// `/nodes/{node}/rrddata`.
pub(super) fn node(call: &Call) -> Answer {
    let status = super::node::status(&call.host);
    let number = |path: &str| status.pointer(path).and_then(Value::as_f64).unwrap_or_default();
    let boot = call.host.read(|model| model.boot_ms) / 1000;
    let measured = |seconds: i64| {
        let load = wave(seconds, 5400);
        json!({
            "cpu": 0.03 + 0.2 * load, "maxcpu": status["cpuinfo"]["cpus"], "iowait": 0.002 * load, "loadavg": 0.2 + load,
            "memtotal": number("/memory/total"), "memused": number("/memory/used") * (0.95 + 0.1 * load),
            "memavailable": number("/memory/available"), "swaptotal": number("/swap/total"), "swapused": 0,
            "roottotal": number("/rootfs/total"), "rootused": number("/rootfs/used"), "arcsize": 0,
            "netin": 45.8 + 900.0 * load, "netout": 134.7 + 400.0 * load,
        })
    };
    points(call.get("timeframe"), boot, measured).into()
}
