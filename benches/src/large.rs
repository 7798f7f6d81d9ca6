//! One large file, up and down, and the memory it takes on its way.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::client::{Connection, Head, block_on};
use crate::process::{Running, directory};
use crate::report::{Figure, Goal};
use crate::site::{Site, Uploader, plain_get};
use crate::{Outcome, Settings};

const MIB: usize = 1 << 20;
const READ_BYTES: usize = MIB / 4;

/// Where Debian and most others put it; it is seldom in a user's `PATH`.
const NGINX: &str = "/usr/sbin/nginx";

pub(crate) fn run(settings: &Settings, figures: &mut Vec<Figure>) -> Outcome<()> {
    let place = directory(settings)?;
    let source = place.path().join("source.bin");
    write_source(&source, settings.large_mib).map_err(|error| error.to_string())?;
    let site = Site::start(settings)?;
    let root = site.new_root_folder()?;
    let nginx = Nginx::start(place.path())?;
    let mut large = Large { site: &site, root: &root, source: &source, settings, rounds: 0 };
    let [mut up, mut copied, mut down, mut served] = [const { Vec::new() }; 4];
    for round in 0..settings.rounds {
        copied.push(large.copy(&place.path().join("copy.bin"))?);
        let (rate, target) = large.upload()?;
        up.push(rate);
        served.push(large.download(nginx.address, "/source.bin")?);
        down.push(large.download(site.address, &target)?);
        eprintln!(
            "bench: large round {round}: up {:.0} against {:.0} MiB/s, down {:.0} against {:.0}",
            up[round], copied[round], down[round], served[round]
        );
    }
    let peak = vec![site.running.memory_mib("VmHWM")?];
    let figure = |name, unit, ours, baseline, goal| Figure { name, unit, ours, baseline, goal };
    let (up_goal, down_goal) = (Goal::RatioAtLeast(0.8), Goal::RatioAtLeast(0.7));
    figures.extend([
        figure("large upload, against cp and fsync", "MiB/s", up, copied, up_goal),
        figure("large download, against nginx", "MiB/s", down, served, down_goal),
        figure("peak memory of both", "MiB", peak, Vec::new(), Goal::Below(80.0)),
    ]);
    site.stop_and_verify()
}

struct Large<'a> {
    site: &'a Site,
    root: &'a str,
    source: &'a Path,
    settings: &'a Settings,
    rounds: usize,
}

impl Large<'_> {
    /// Copies the file as a person would, and makes it durable.
    fn copy(&self, to: &Path) -> Outcome<f64> {
        rustix::fs::sync();
        let failed = |error: std::io::Error| format!("cp: {error}");
        let began = Instant::now();
        let status = Command::new("cp").arg(self.source).arg(to).status().map_err(failed)?;
        if !status.success() {
            return Err(format!("cp: {status}"));
        }
        File::open(to).and_then(|copy| copy.sync_all()).map_err(failed)?;
        let rate = self.rate(began);
        std::fs::remove_file(to).map_err(failed)?;
        Ok(rate)
    }

    /// Uploads the file and gives the rate of its PUT, and where it can be fetched.
    fn upload(&mut self) -> Outcome<(f64, String)> {
        rustix::fs::sync();
        self.rounds += 1;
        let name = format!("large-{}.bin", self.rounds);
        let body = format!(r#"{{"ParentFolderId":"{}","Name":"{name}"}}"#, self.root);
        let upload = self.site.call("POST", "/api/v1/documents", "", &body)?;
        let url = upload.pointer("/UploadMetadata/UploadUrl").and_then(serde_json::Value::as_str);
        let target = self.site.target(url.ok_or("no upload URL")?)?;
        let began = Instant::now();
        self.put(&target).map_err(|error| format!("PUT: {error}"))?;
        let rate = self.rate(began);
        let uploader = Uploader { site: self.site, folder: self.root, content: &[] };
        let stored = block_on(async {
            let mut connection = Connection::open(self.site.address).await?;
            uploader.activate(&mut connection, &target).await
        })?;
        Ok((rate, self.site.source(&stored)?))
    }

    /// The kernel moves the bytes, so that this end costs as little as it can.
    fn put(&self, target: &str) -> Outcome<()> {
        let failed = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect(self.site.address).map_err(failed)?;
        let size_bytes = self.settings.large_mib << 20;
        let host = &self.site.signer.host;
        write!(
            stream,
            "PUT {target} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {size_bytes}\r\n\r\n"
        )
        .map_err(failed)?;
        let file = File::open(self.source).map_err(failed)?;
        let mut rest = usize::try_from(size_bytes).map_err(|error| error.to_string())?;
        while rest > 0 {
            let sent = rustix::fs::sendfile(&stream, &file, None, rest.min(4 * MIB));
            match sent.map_err(|error| error.to_string())? {
                0 => return Err("the file ended early".to_owned()),
                sent => rest -= sent,
            }
        }
        let (head, _) = read_head(&mut stream)?;
        if head.status == 200 { Ok(()) } else { Err(format!("answered {}", head.status)) }
    }

    /// Fetches the file and throws it away.
    fn download(&self, address: SocketAddr, target: &str) -> Outcome<f64> {
        let failed = |error: std::io::Error| error.to_string();
        let began = Instant::now();
        let mut stream = TcpStream::connect(address).map_err(failed)?;
        stream.write_all(&plain_get(&address.to_string(), target)).map_err(failed)?;
        let (head, early) = read_head(&mut stream)?;
        let expected = usize::try_from(self.settings.large_mib << 20).unwrap_or(usize::MAX);
        if head.status != 200 || head.body_bytes != expected {
            return Err(format!("GET answered {} with {} bytes", head.status, head.body_bytes));
        }
        let mut buffer = vec![0; READ_BYTES];
        let mut rest = head.body_bytes - early;
        while rest > 0 {
            match stream.read(&mut buffer).map_err(failed)? {
                0 => return Err("the answer ended early".to_owned()),
                read => rest -= read,
            }
        }
        Ok(self.rate(began))
    }

    fn rate(&self, began: Instant) -> f64 {
        let mib = u32::try_from(self.settings.large_mib).unwrap_or(u32::MAX);
        f64::from(mib) / began.elapsed().as_secs_f64()
    }
}

/// The head of an answer, and how many bytes of its body came along.
fn read_head(stream: &mut TcpStream) -> Outcome<(Head, usize)> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = stream.read(&mut buffer).map_err(|error| error.to_string())?;
        if read == 0 {
            return Err("no answer came".to_owned());
        }
        bytes.extend_from_slice(&buffer[..read]);
        if let Some(head) = Head::read(&bytes)? {
            let early = bytes.len() - head.end;
            return Ok((head, early));
        }
    }
}

/// Writes a file that no file system and no network can make smaller.
fn write_source(path: &Path, mib: u64) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = vec![0; MIB];
    for _ in 0..mib {
        for bytes in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block)?;
    }
    file.sync_all()
}

/// The web server that is fast at this, set as Debian sets it.
struct Nginx {
    address: SocketAddr,
    _running: Running,
}

impl Nginx {
    fn start(files: &Path) -> Outcome<Self> {
        let failed = |error: std::io::Error| format!("nginx: {error}");
        // Nginx takes no port of the system's choice; this one was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|probe| probe.local_addr());
        let address = address.map_err(failed)?;
        let place = files.join("nginx");
        std::fs::create_dir(&place).map_err(failed)?;
        let (files, own) = (files.display(), place.display());
        let configuration = format!(
            "user root;\nworker_processes auto;\ndaemon off;\npid {own}/pid;\n\
             error_log {own}/error.log;\nevents {{ worker_connections 768; }}\n\
             http {{\n  sendfile on;\n  tcp_nopush on;\n  types_hash_max_size 2048;\n\
             default_type application/octet-stream;\n  access_log {own}/access.log;\n\
             client_body_temp_path {own};\n  proxy_temp_path {own};\n  fastcgi_temp_path {own};\n\
             uwsgi_temp_path {own};\n  scgi_temp_path {own};\n\
             server {{ listen {address}; root {files}; }}\n}}\n"
        );
        let file = place.join("nginx.conf");
        std::fs::write(&file, configuration).map_err(failed)?;
        let mut command = Command::new(NGINX);
        command.arg("-c").arg(&file).arg("-p").arg(&place);
        let log = place.join("log");
        let mut running = Running::start(&command, &log)?;
        running.wait_for(|| TcpStream::connect(address).ok()).map_err(|error| {
            format!("nginx {error}: {}", std::fs::read_to_string(&log).unwrap_or_default())
        })?;
        Ok(Self { address, _running: running })
    }
}
