//! What the kernel says of a process and of this machine.
//!
//! CPU is the time its threads ran, in nanoseconds, from `schedstat`; where the kernel keeps none, or a thread ended
//! within the span, it is the process's total in ticks of 10 ms.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;

/// A process that is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    pid: u32,
}

/// How much a process had run at one moment.
#[derive(Debug)]
pub(crate) struct CpuMark {
    threads: HashMap<u32, u64>,
    total: Duration,
}

impl Process {
    /// The process `pid`, which must be the one that listens at `address`.
    pub(crate) fn listening(pid: u32, address: SocketAddr) -> anyhow::Result<Self> {
        let process = Self { pid };
        process.must_listen(address)?;
        Ok(process)
    }

    /// Refuses an address at which it does not listen.
    pub(crate) fn must_listen(self, address: SocketAddr) -> anyhow::Result<()> {
        let pid = self.pid;
        let name = fs::read_to_string(self.path("comm"))
            .with_context(|| format!("there is no process {pid} to measure"))?;
        // Another user's descriptors cannot be read; then the caller's word is taken.
        if let Ok(entries) = fs::read_dir(self.path("fd")) {
            let sockets = listening_sockets(address.port())?;
            let mut links = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
            ensure!(
                links.any(|link| sockets.iter().any(|socket| link.as_os_str() == socket.as_str())),
                "process {pid} ({}) does not listen on port {}: is it the gateway's?",
                name.trim(),
                address.port()
            );
        }
        Ok(())
    }

    /// How much it has run until now.
    pub(crate) fn cpu(self) -> anyhow::Result<CpuMark> {
        let gone = || format!("process {} has ended", self.pid);
        let mut threads = HashMap::new();
        for entry in fs::read_dir(self.path("task")).with_context(gone)?.flatten() {
            let ran = fs::read_to_string(entry.path().join("schedstat")).ok();
            let ran = ran.and_then(|text| text.split(' ').next()?.parse().ok());
            if let (Some(id), Some(ran)) =
                (entry.file_name().to_str().and_then(|id| id.parse().ok()), ran)
            {
                threads.insert(id, ran);
            }
        }
        let stat = fs::read_to_string(self.path("stat")).with_context(gone)?;
        Ok(CpuMark { threads, total: total_ticks(&stat).context("/proc/PID/stat is unreadable")? })
    }

    /// How many bytes of its memory are resident.
    pub(crate) fn resident_bytes(self) -> anyhow::Result<u64> {
        let read = |file| fs::read_to_string(self.path(file)).ok();
        let kib = read("smaps_rollup").and_then(|text| kib_of(&text, "Rss:"));
        let kib = kib.or_else(|| read("status").and_then(|text| kib_of(&text, "VmRSS:")));
        Ok(kib.with_context(|| format!("process {} has ended", self.pid))? * 1_024)
    }

    /// How many files it has open.
    pub(crate) fn open_files(self) -> anyhow::Result<u64> {
        let entries = fs::read_dir(self.path("fd"));
        let entries = entries.with_context(|| format!("process {} has ended", self.pid))?;
        Ok(u64::try_from(entries.count())?)
    }

    fn path(self, file: &str) -> String {
        format!("/proc/{}/{file}", self.pid)
    }
}

impl CpuMark {
    /// How much the process ran from `earlier` until this.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let all_there = earlier.threads.keys().all(|id| self.threads.contains_key(id));
        if self.threads.is_empty() || !all_there {
            return self.total.saturating_sub(earlier.total);
        }
        let before = |id| earlier.threads.get(id).copied().unwrap_or(0);
        Duration::from_nanos(
            self.threads.iter().map(|(id, ran)| ran.saturating_sub(before(id))).sum(),
        )
    }
}

/// The user and system time in `/proc/PID/stat`.
fn total_ticks(stat: &str) -> Option<Duration> {
    // The name, in parentheses, may hold anything; the fields after it are numbers, 14 and 15 of all.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Duration::from_millis((user + system) * MS_PER_TICK))
}

/// The value of the line that begins with `key`.
fn kib_of(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The sockets that listen on `port`, as `/proc/PID/fd` names them.
fn listening_sockets(port: u16) -> anyhow::Result<Vec<String>> {
    let mut sockets = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (Some(local), Some(state), Some(inode)) =
                (fields.get(1), fields.get(3), fields.get(9))
            else {
                continue;
            };
            if *state == LISTEN && local.ends_with(&format!(":{port:04X}")) {
                sockets.push(format!("socket:[{inode}]"));
            }
        }
    }
    ensure!(!sockets.is_empty(), "nothing listens on port {port}: is the gateway running?");
    Ok(sockets)
}

/// How many accepted connections on `port` a process of this machine holds open.
///
/// Connections that the process has closed are not counted, although the kernel may still have data of them.
pub(crate) fn connections_held(port: u16) -> anyhow::Result<u32> {
    let mut count = 0;
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        count += text.lines().skip(1).filter(|line| is_held(line, port)).count();
    }
    Ok(u32::try_from(count)?)
}

/// Whether a line of `/proc/net/tcp` is of a connection on the local `port` that belongs to a process.
fn is_held(line: &str, port: u16) -> bool {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (Some(local), Some(state), Some(inode)) = (fields.get(1), fields.get(3), fields.get(9))
    else {
        return false;
    };
    local.ends_with(&format!(":{port:04X}"))
        && [ESTABLISHED, CLOSE_WAIT].contains(state)
        && *inode != "0"
}

/// How many files this process may have open.
pub(crate) fn open_files_limit() -> Option<u32> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    // "unlimited" is no number, and no bound.
    Some(line.split_whitespace().next()?.parse().unwrap_or(u32::MAX))
}

/// The machine that the numbers come from.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    cpu: String,
    cpus: usize,
    kernel: String,
    memory_bytes: u64,
}

impl Machine {
    pub(crate) fn describe() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let model =
            cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            cpu: model.map_or("unknown", |(_, name)| name).to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, Into::into),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            memory_bytes: kib_of(&read("/proc/meminfo"), "MemTotal:").unwrap_or(0) * 1_024,
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let gib = self.memory_bytes >> 30;
        write!(f, "{} x {}, {gib} GiB, Linux {}", self.cpus, self.cpu, self.kernel)
    }
}

/// `sysconf(_SC_CLK_TCK)` is 100 on every Linux that programs see.
const MS_PER_TICK: u64 = 10;
/// The state of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";
/// The state of an open connection …
const ESTABLISHED: &str = "01";
/// … and of one that the peer has closed.
const CLOSE_WAIT: &str = "08";

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn ticks_are_found_behind_any_process_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 9 9 9";
        assert_eq!(total_ticks(stat), Some(Duration::from_secs(2)));
        assert_eq!(total_ticks("7 (short"), None);
    }

    #[test]
    fn a_thread_that_ended_leaves_the_total_to_count() {
        let mark = |threads: &[(u32, u64)], ms| CpuMark {
            threads: threads.iter().copied().collect(),
            total: Duration::from_millis(ms),
        };
        let before = mark(&[(1, 100), (2, 50)], 10);
        assert_eq!(mark(&[(1, 150), (2, 50), (3, 7)], 90).since(&before), Duration::from_nanos(57));
        assert_eq!(mark(&[(1, 150)], 90).since(&before), Duration::from_millis(80));
    }

    #[test]
    fn held_connections_belong_to_a_process() {
        let line = |local: &str, state: &str, inode: &str| {
            format!(
                "0: {local} 0100007F:C350 {state} 00000000:00000000 00:00000000 00000000 0 0 {inode} 1"
            )
        };
        for (local, state, inode, expected) in [
            ("0100007F:1BA8", "01", "77", true),
            ("0100007F:1BA8", "08", "77", true),
            ("0100007F:1BA8", "01", "0", false),
            ("0100007F:1BA8", "04", "77", false),
            ("0100007F:1BA9", "01", "77", false),
        ] {
            let line = line(local, state, inode);
            assert_eq!(is_held(&line, 7080), expected, "{line}");
        }
    }

    #[test]
    fn only_the_process_that_listens_is_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let own = Process::listening(std::process::id(), address).unwrap();
        assert!(own.resident_bytes().unwrap() > 0);
        let wrong = Process::listening(std::os::unix::process::parent_id(), address).unwrap_err();
        assert!(wrong.to_string().contains("does not listen"), "{wrong}");
        let none = Process::listening(u32::MAX, address).unwrap_err();
        assert!(none.to_string().contains("there is no process"), "{none}");
    }
}
