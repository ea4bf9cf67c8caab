//! The program, what it writes to its log, and the ways to talk to it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use crate::common::{Client, Program, stagedoor};

/// The id of each call of the server API.
pub const REQUEST: &str = "a-plain-request-id";

pub struct Running {
    child: Program,
    reader: JoinHandle<()>,
    log: watch::Receiver<String>,
    /// How much of the log was looked at.
    seen: usize,
    pub clients: SocketAddr,
    pub admin: SocketAddr,
}

/// What a command came to, and all that it printed.
pub struct Commanded {
    pub code: Option<i32>,
    pub printed: String,
}

impl Running {
    pub async fn with(config: &Path) -> Self {
        let mut child =
            Program::run(&["serve", "--config", config.to_str().unwrap(), "--log", "trace"]);
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, log) = watch::channel(String::new());
        // A thread, so that the program never waits for its log to be read.
        let reader = std::thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).unwrap() > 0 {
                sender.send_modify(|log| log.push_str(&line));
                line.clear();
            }
        });
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut running = Self { child, reader, log, seen: 0, clients: nowhere, admin: nowhere };
        let listening: Value = serde_json::from_str(&running.says("\"listening\"").await).unwrap();
        let address = |field: &str| listening[field].as_str().unwrap().parse().unwrap();
        (running.clients, running.admin) = (address("listen"), address("admin"));
        running
    }

    /// The next line of the log that has `text` in it.
    pub async fn says(&mut self, text: &str) -> String {
        let seen = self.seen;
        let said = self.log.wait_for(|log| log[seen..].contains(text));
        let log = tokio::time::timeout(Duration::from_secs(10), said).await;
        let log = log.unwrap_or_else(|_| panic!("it says {text:?}")).unwrap();
        let unseen = log[seen..].lines();
        let line = unseen.inspect(|line| self.seen += line.len() + 1);
        line.into_iter().find(|line| line.contains(text)).unwrap().to_owned()
    }

    pub fn signal(&self, name: &str) {
        self.child.signal(name);
    }

    pub async fn connect(&self) -> Client {
        let headers = [("user-agent", "canary-agent")];
        Client::connect_to(&format!("ws://{}/v1/connect", self.clients), &headers).await
    }

    pub async fn start(&self, start: Value) -> (Client, Value) {
        let mut client = self.connect().await;
        let started = client.establish(start).await;
        (client, started)
    }

    /// How a connection ends that says this, and all that it receives.
    pub async fn refused(&self, first: &str) -> (u16, String) {
        let mut client = self.connect().await;
        client.send_text(first).await;
        let closed = client.closed().await;
        (closed.code, format!("{closed:?}"))
    }

    /// The error reply to a first message after which the connection stays open.
    pub async fn answered(&self, first: &str) -> String {
        let mut client = self.connect().await;
        client.send_text(first).await;
        let reply = client.hear().await;
        assert!(reply["error"].is_object(), "{reply}");
        reply.to_string()
    }

    /// Calls the server API of the app.
    pub async fn api(&self, key: &str, method: &str, path: &str, body: Value) -> (u16, String) {
        self.call(key, method, &format!("apps/shop/{path}"), body).await
    }

    pub async fn call(&self, key: &str, method: &str, path: &str, body: Value) -> (u16, String) {
        let url = format!("http://{}/api/v1/{path}", self.admin);
        let request = reqwest::Client::new().request(method.parse().unwrap(), url);
        let request = request.header("x-request-id", REQUEST).bearer_auth(key).json(&body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Runs a command that shows this key.
    pub async fn command(&self, key: &str, arguments: &[&str]) -> Commanded {
        let mut command = stagedoor();
        command.env("STAGEDOOR_URL", format!("http://{}", self.admin)).env("STAGEDOOR_APP", "shop");
        command.env("STAGEDOOR_SERVER_KEY", key).env("STAGEDOOR_OPERATOR_KEY", key);
        command.args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let printed = [output.stdout, output.stderr].concat();
        Commanded { code: output.status.code(), printed: String::from_utf8(printed).unwrap() }
    }

    pub async fn metrics_at(&self, address: SocketAddr) -> (u16, String) {
        let response = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// All that it wrote until it ended: its standard output and its log.
    pub fn ended(mut self) -> (String, String) {
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        assert!(self.child.wait().unwrap().success());
        self.reader.join().unwrap();
        (stdout, self.log.borrow().clone())
    }
}
