"""Directories of the tests' own: OpenLDAP's server and a Samba domain controller, on the loopback."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from ports import reserve_port
from waiting import until

READER = "cn=reader,dc=example,dc=com"
READER_PASSWORD = "CANARY-reader-passw0rd"
PERSON_PASSWORD = "CANARY-person-passw0rd"
BASE = "dc=example,dc=com"


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command[0]}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def listens(address, port):
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


class Authority:
    """A certificate authority, and a certificate of its own for one server."""

    def __init__(self, directory, names):
        self.ca, self.key, self.certificate = (
            directory / name for name in ("ca.pem", "key.pem", "certificate.pem")
        )
        ca_key, request, extensions = (
            directory / name for name in ("ca-key.pem", "request.pem", "extensions")
        )
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        run("openssl", "req", "-x509", *curve, "-keyout", str(ca_key), "-out", str(self.ca),
            "-days", "30", "-subj", "/CN=Test authority",
            "-addext", "keyUsage=critical,keyCertSign")
        run("openssl", "req", *curve, "-keyout", str(self.key), "-out", str(request),
            "-subj", "/CN=directory")
        extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")
        run("openssl", "x509", "-req", "-in", str(request), "-CA", str(self.ca),
            "-CAkey", str(ca_key), "-CAcreateserial", "-days", "30",
            "-extfile", str(extensions), "-out", str(self.certificate))


class Elsewhere:
    """Where a referral points to: it listens, and knows whether anybody came."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.url = f"ldap://127.0.0.1:{self.socket.getsockname()[1]}"

    def was_visited(self):
        try:
            self.socket.accept()[0].close()
        except BlockingIOError:
            return False
        return True


class Slapd:
    """OpenLDAP's server with people and groups; it can be stopped, hung and started again."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="docharbor-slapd-"))
        self.process = None
        self.authority = Authority(self.directory, "IP:127.0.0.1")
        # Kept while the server is stopped as well, so that it is found again where it was.
        self.kept = reserve_port(), reserve_port()
        self.port, self.tls_port = (kept.getsockname()[1] for kept in self.kept)
        self.url = f"ldap://127.0.0.1:{self.port}"
        self.tls_url = f"ldaps://127.0.0.1:{self.tls_port}"
        (self.directory / "db").mkdir()
        secret = run("slappasswd", "-s", READER_PASSWORD).strip()
        schemas = "".join(
            f"include /etc/ldap/schema/{name}.schema\n"
            for name in ("core", "cosine", "inetorgperson")
        )
        self.configuration = self.directory / "slapd.conf"
        self.configuration.write_text(
            f"{schemas}modulepath /usr/lib/ldap\nmoduleload back_mdb\n"
            f"pidfile {self.directory}/pid\nsizelimit size=100 size.prtotal=unlimited\n"
            f"TLSCACertificateFile {self.authority.ca}\n"
            f"TLSCertificateFile {self.authority.certificate}\n"
            f"TLSCertificateKeyFile {self.authority.key}\n"
            f"database mdb\nsuffix {BASE}\ndirectory {self.directory}/db\n"
            f"rootdn cn=root,{BASE}\nrootpw {secret}\nindex uid,objectClass eq\n"
            "access to attrs=userPassword by anonymous auth by * none\n"
            "access to * by users read by anonymous auth\n"
        )
        self.start()
        self.add(f"dn: {BASE}\nobjectClass: organization\nobjectClass: dcObject\n"
                 "o: Example\ndc: example\n",
                 f"dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n",
                 f"dn: ou=groups,{BASE}\nobjectClass: organizationalUnit\nou: groups\n",
                 f"dn: {READER}\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\n"
                 f"cn: reader\nuserPassword: {secret}\n")

    def start(self):
        log = open(self.directory / "log", "ab")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", "slapd", "-f", str(self.configuration), "-d", "stats",
             "-h", f"{self.url} {self.tls_url}"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory,
        )
        log.close()
        until("slapd answers", self._answers)

    def _answers(self):
        assert self.process.poll() is None, (self.directory / "log").read_text()
        asked = subprocess.run(["ldapwhoami", "-x", "-H", self.url], capture_output=True, timeout=30)
        return asked.returncode == 0 and listens("127.0.0.1", self.tls_port)

    def asked(self):
        """What it was asked so far, a line for each step."""
        return (self.directory / "log").read_text(errors="replace")

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)

    def freeze(self):
        """Connections are taken by the kernel, and nothing answers."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def remove(self):
        if self.process and self.process.poll() is None:
            self.thaw()
            self.stop()
        for kept in self.kept:
            kept.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _root(self, program, *arguments, text=None):
        return run(program, "-x", "-H", self.url, "-D", f"cn=root,{BASE}", "-w", READER_PASSWORD,
                   *arguments, text=text)

    def add(self, *entries):
        self._root("ldapadd", text="\n\n".join(entries))

    def modify(self, *changes):
        self._root("ldapmodify", text="\n\n".join(changes))

    def delete(self, dn):
        self._root("ldapdelete", dn)

    def rename(self, uid, new):
        self._root("ldapmodrdn", "-r", person_dn(uid), f"uid={new}")

    def person(self, uid, **more):
        self.people([uid], **more)

    def people(self, uids, **more):
        extra = "".join(f"{name}: {value}\n" for name, value in more.items())
        self.add(*(
            f"dn: {person_dn(uid)}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\n"
            f"sn: Story\ngivenName: Ann\nmail: {uid}@example.com\n"
            f"userPassword: {PERSON_PASSWORD}\n{extra}" for uid in uids
        ))

    def refer(self, name, url):
        """An entry among the people in place of which the answer has a referral; answers its DN."""
        dn = f"ou={name},ou=people,{BASE}"
        self.add(f"dn: {dn}\nobjectClass: referral\nobjectClass: extensibleObject\n"
                 f"ou: {name}\nref: {url}/{dn}\n")
        return dn

    def forget(self, dn):
        self._root("ldapdelete", "-M", dn)

    def refers(self, url):
        """Whether the answer to a search for everybody has a referral there."""
        return url in self._root("ldapsearch", "-b", f"ou=people,{BASE}", "(objectClass=inetOrgPerson)")

    def group(self, name, *members):
        lines = "".join(f"member: {member}\n" for member in members)
        self.add(f"dn: {group_dn(name)}\nobjectClass: groupOfNames\ncn: {name}\n{lines}")


def person_dn(uid):
    return f"uid={uid},ou=people,{BASE}"


def group_dn(name):
    return f"cn={name},ou=groups,{BASE}"


def connect(site, url, ca, *more, password=READER_PASSWORD, expect=0, kind="ldap", base=BASE,
            bind=READER):
    """Runs `docharbor directory connect`; answers what it printed."""
    secret = site.server.directory / "bind-password"
    secret.write_text(f"{password}\n")
    authority = ("--ca-file", str(ca)) if ca else ()
    done = site.server.run(
        "directory", "connect", "--kind", kind, "--url", url, *authority, "--base-dn", base,
        "--bind-dn", bind, "--bind-password-file", str(secret), *more, str(site.server.data),
        expect=expect,
    )
    return done.stdout if expect == 0 else done.stderr


def sync(site, expect=0):
    done = site.server.run("directory", "sync", str(site.server.data), expect=expect)
    return done.stdout if expect == 0 else done.stderr


def user_named(site, name):
    """The user of a name, whatever their status."""
    found = site.admin.describe_users(
        OrganizationId=site.server.organization_id, Query=name, Include="ALL")["Users"]
    return next((user for user in found if user["Username"] == name), None)


class Samba:
    """A domain controller of Samba's, on the standard ports of 127.0.0.9."""

    ADDRESS = "127.0.0.9"
    NAME = "dc.corp.example.com"
    BASE = "DC=corp,DC=example,DC=com"
    PASSWORD = "CANARY-Passw0rd-1"

    def __init__(self):
        assert shutil.which("samba") and os.geteuid() == 0, (
            "these tests need Samba and its ports below 1024: as root, "
            "apt-get install samba samba-ad-provision samba-dsdb-modules python3-samba")
        assert not listens(self.ADDRESS, 389), f"{self.ADDRESS}:389 is taken by another program"
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="docharbor-samba-"))
        self.process = None
        self.authority = Authority(self.directory, f"DNS:{self.NAME}")
        self.configuration = self.directory / "dc/etc/smb.conf"
        os.chmod(self.authority.key, 0o600)
        tls = self.authority
        run("samba-tool", "domain", "provision", "--server-role=dc", "--dns-backend=NONE",
            "--realm=CORP.EXAMPLE.COM", "--domain=CORP", f"--adminpass={self.PASSWORD}",
            f"--host-ip={self.ADDRESS}", "--host-name=dc", f"--targetdir={self.directory}/dc",
            f"--option=interfaces={self.ADDRESS}/8", "--option=bind interfaces only=yes",
            f"--option=tls keyfile={tls.key}", f"--option=tls certfile={tls.certificate}",
            f"--option=tls cafile={tls.ca}")
        self.start()

    def start(self):
        log = open(self.directory / "log", "ab")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", "samba", "-i", "-M", "single",
             "-s", str(self.configuration), "--option=server services=ldap",
             f"--option=tls keyfile={self.authority.key}",
             f"--option=tls certfile={self.authority.certificate}",
             f"--option=tls cafile={self.authority.ca}"],
            stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.directory,
        )
        log.close()
        until("Samba answers", self._answers, seconds=60)

    def _answers(self):
        assert self.process.poll() is None, (self.directory / "log").read_text()
        # A port takes connections before anybody answers there.
        asked = subprocess.run(
            ["ldapsearch", "-x", "-H", f"ldaps://{self.ADDRESS}", "-s", "base", "-b", ""],
            env=os.environ | {"LDAPTLS_REQCERT": "never"}, capture_output=True, timeout=60,
        )
        return asked.returncode == 0 and listens(self.ADDRESS, 389)

    def tool(self, *arguments):
        return run("samba-tool", *arguments, "-s", str(self.configuration),
                   "-H", f"{self.directory}/dc/private/sam.ldb")

    def referrals(self):
        """The referrals in the answer to a search of the whole domain."""
        environment = os.environ | {"LDAPTLS_REQCERT": "never"}
        done = subprocess.run(
            ["ldapsearch", "-x", "-LLL", "-H", f"ldaps://{self.ADDRESS}", "-D",
             f"CN=Administrator,CN=Users,{self.BASE}", "-w", self.PASSWORD, "-b", self.BASE,
             "(objectClass=user)", "cn"],
            env=environment, capture_output=True, text=True, timeout=60, check=True,
        )
        return [line for line in done.stdout.splitlines() if line.startswith("# refldap")]

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=30)
        shutil.rmtree(self.directory, ignore_errors=True)
