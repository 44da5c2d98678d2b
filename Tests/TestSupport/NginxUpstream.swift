internal import Glibc

/// A real nginx as upstream, on a Unix socket (so no port can be taken), serving files of its folder and taking PUT.
package final class NginxUpstream: Sendable {
    package let folder: TemporaryFolder
    package let child: Child
    package var place: Place { .unix(folder["nginx.sock"]) }
    /// The same behind the PROXY protocol, version 1 or 2: a connection without a header is closed.
    package var proxiedPlace: Place { .unix(folder["proxied.sock"]) }

    /// - Parameter location: body of `location /`; static files when left out.
    package init(location: String = "") throws {
        self.folder = try TemporaryFolder()
        mkdir(folder["www"], 0o755)
        mkdir(folder["www/up"], 0o777)
        try write(
            """
            daemon off; master_process off; worker_processes 1; pid \(folder["pid"]); error_log \(folder["error.log"]);
            events { worker_connections 512; }
            http {
              access_log off; default_type text/plain; keepalive_requests 1000000;
              client_body_temp_path \(folder["body"]); client_max_body_size 0;
              proxy_temp_path \(folder["p"]); fastcgi_temp_path \(folder["f"]); uwsgi_temp_path \(folder["u"]); scgi_temp_path \(folder["s"]);
              server {
                listen unix:\(folder["nginx.sock"]); listen unix:\(folder["proxied.sock"]) proxy_protocol; root \(folder["www"]);
                location / { \(location) }
                location /up/ { dav_methods PUT DELETE; }
              }
            }
            """, to: folder["nginx.conf"])
        try write("hello\n", to: folder["www/hello.txt"])
        self.child = try Child(
            ["/usr/sbin/nginx", "-p", folder.path, "-e", folder["error.log"], "-c", folder["nginx.conf"]], output: folder["out"],
            errors: folder["err"])
        let answers = eventually(within: .seconds(20)) { child.exit != nil || (try? RawClient(place).get("/hello.txt").status) != nil }
        guard answers, child.exit == nil else {
            throw WireError.malformed("nginx does not serve: \(text(of: folder["error.log"]))\(text(of: folder["err"]))")
        }
    }
}

/// The variable's value in our environment; nil when it is not set.
package func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
