//! What stands in front of the gateways.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hubbub_testkit::nodes::Person;
use hubbub_testkit::nodes::balancer::Balancer;
use hubbub_testkit::port::{free_port, local};
use hubbub_testkit::process::Process;
use tempfile::TempDir;
use tokio::net::TcpStream;

/// A load balancer.
pub(crate) enum Front {
    /// Our own, which looks at readiness, as the proxies of orchestrators do.
    Balancer(Balancer),
    /// nginx with the configuration that comes with Hubbub, which looks at answers.
    Nginx(Nginx),
}

/// A running nginx.
pub(crate) struct Nginx {
    address: SocketAddr,
    _process: Process,
    _dir: TempDir,
}

impl fmt::Display for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Balancer(_) => "a balancer",
            Self::Nginx(_) => "nginx",
        })
    }
}

impl Front {
    pub(crate) async fn balancer(gateways: Vec<SocketAddr>) -> Self {
        Self::Balancer(Balancer::start(gateways).await)
    }

    pub(crate) async fn nginx(gateways: Vec<SocketAddr>) -> Self {
        Self::Nginx(Nginx::start(&gateways).await)
    }

    const fn address(&self) -> SocketAddr {
        match self {
            Self::Balancer(balancer) => balancer.address(),
            Self::Nginx(nginx) => nginx.address,
        }
    }

    /// Somebody new, who comes in through here.
    pub(crate) async fn person(&self) -> Person {
        Person::register(self.address()).await
    }

    /// A gateway says that it is not ready.
    pub(crate) fn unready(&self, gateway: SocketAddr) {
        if let Self::Balancer(balancer) = self {
            balancer.remove(gateway);
        }
    }

    /// A gateway says that it is ready again.
    pub(crate) fn ready(&self, gateway: SocketAddr) {
        if let Self::Balancer(balancer) = self {
            balancer.add(gateway);
        }
    }
}

impl Nginx {
    async fn start(gateways: &[SocketAddr]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let own = dir.path();
        fs::create_dir_all(own.join("hubbub")).expect("a directory");
        let address = local(free_port());
        for name in ["upstreams.conf", "socket-upstreams.conf"] {
            fs::write(own.join("hubbub").join(name), servers(name, gateways)).expect("a file");
        }
        fs::write(own.join("hubbub/listen.conf"), format!("listen {address};\n")).expect("a file");
        fs::write(own.join("nginx.conf"), configuration(own)).expect("a file");
        let mut command = Command::new("nginx");
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/usr/local/sbin";
        command.env("PATH", path).arg("-e").arg("stderr").arg("-p").arg(own).arg("-c");
        let mut process = Process::spawn(command.arg(own.join("nginx.conf")), &own.join("log"));
        let answers = async || {
            tokio::time::sleep(Duration::from_millis(20)).await;
            TcpStream::connect(address).await.is_ok()
        };
        if let Err(exited) = process.ready(answers).await {
            panic!("nginx did not start; its log ends:\n{}", exited.0);
        }
        Self { address, _process: process, _dir: dir }
    }
}

/// The shipped line of a server, for each of the gateways.
fn servers(name: &str, gateways: &[SocketAddr]) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../nginx/hubbub").join(name);
    let shipped = fs::read_to_string(shipped).expect("a file");
    let line = shipped.lines().find(|line| line.starts_with("server ")).expect("a server");
    let named = |gateway: &SocketAddr| line.replace("gateway-1:8080", &gateway.to_string()) + "\n";
    gateways.iter().map(named).collect()
}

/// One process: a worker would outlive a master that is killed.
fn configuration(own: &Path) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../nginx/hubbub.conf");
    let (own, shipped) = (own.display(), shipped.display());
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {own}/{kind};\n"))
        .concat();
    format!(
        "user root;\ndaemon off;\nmaster_process off;\npid {own}/nginx.pid;\nerror_log stderr warn;\nworker_processes 1;\n\
         worker_rlimit_nofile 16384;\nevents {{ worker_connections 16384; }}\nhttp {{\n\
         access_log off;\n{temporary}include {shipped};\n}}\n"
    )
}
