/// `GET /metrics`: the status report in the text format 0.0.4 of Prometheus. Pure.
enum Metrics {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    static func text(_ report: StatusReport) -> String {
        var page = MetricsPage()
        process(report, &page)
        loops(report, &page)
        listeners(report, &page)
        certificates(report, &page)
        services(report, &page)
        targets(report, &page)
        return page.text
    }

    // MARK: - Private

    private static func process(_ report: StatusReport, _ page: inout MetricsPage) {
        page.family("sluice_build_info", .gauge, "Version of the running process; always 1.") { $0.sample(1, ("version", report.version)) }
        page.family("sluice_epoch", .gauge, "Number of the live snapshot.") { $0.sample(report.epoch) }
        page.family("sluice_uptime_seconds", .gauge, "Since the process started.") { $0.sample(report.uptime) }
        page.family("sluice_serving", .gauge, "1 while the process serves and wants to (readyz).") {
            $0.sample(report.state == .serving ? 1 : 0)
        }
        if let reload = report.config.lastReload {
            page.family("sluice_config_last_reload_success", .gauge, "1 when the last reload was taken.") { $0.sample(reload.ok ? 1 : 0) }
        }
        page.family("sluice_access_log_dropped_lines_total", .counter, "Access log lines lost because the disk was too slow or full.") {
            $0.sample(report.droppedLogLines)
        }
    }

    /// By loop, so that one that does not answer is a gap and no counter ever falls.
    private static func loops(_ report: StatusReport, _ page: inout MetricsPage) {
        let answering = report.workers.filter(\.answering)
        func each(_ name: String, _ kind: MetricsPage.Kind, _ help: String, _ value: (WorkerStatus) -> (any MetricValue)?) {
            page.family(name, kind, help) { family in
                for worker in answering { if let value = value(worker) { family.sample(value, ("loop", "\(worker.index)")) } }
            }
        }
        page.family("sluice_loop_up", .gauge, "1 when the loop answered in time.") { family in
            for worker in report.workers { family.sample(worker.answering ? 1 : 0, ("loop", "\(worker.index)")) }
        }
        each("sluice_loop_epoch", .gauge, "The epoch that the loop has acknowledged.") { $0.epoch }
        each("sluice_connections", .gauge, "Client connections open.") { $0.connections }
        each("sluice_connections_accepted_total", .counter, "Client connections accepted.") { $0.accepted }
        page.family("sluice_connections_refused_total", .counter, "Client connections closed at once, by reason.") { family in
            for worker in answering {
                if let refused = worker.refusedByRate { family.sample(refused, ("loop", "\(worker.index)"), ("reason", "handshake_rate")) }
            }
        }
        each("sluice_tls_handshakes_total", .counter, "TLS handshakes completed with clients.") { $0.tls?.completed }
        each("sluice_tls_handshakes_resumed_total", .counter, "Of them, those that resumed a session.") { $0.tls?.resumed }
        each("sluice_tls_handshakes_failed_total", .counter, "TLS handshakes with clients that failed.") { $0.tls?.failed }
        each("sluice_proxy_headers_refused_total", .counter, "Client connections closed for a missing or bad PROXY header.") {
            $0.refusedProxyHeaders
        }
        each("sluice_http2_connections", .gauge, "Client connections open that speak HTTP/2.") { $0.http2?.connections }
        each("sluice_http2_streams", .gauge, "Streams open on them.") { $0.http2?.streams }
        each("sluice_tunnels", .gauge, "Upgraded connections open.") { $0.tunnels }
        each("sluice_exchanges_in_flight", .gauge, "Requests being served.") { $0.inFlight }
        each("sluice_upstream_idle_connections", .gauge, "Upstream connections kept for reuse.") { $0.idleUpstream }
        each("sluice_requests_total", .counter, "Requests finished.") { $0.requests }
        page.family("sluice_responses_total", .counter, "Responses sent, by class of status.") { family in
            for worker in answering {
                for (category, count) in (worker.responses ?? [:]).sorted(by: { $0.key < $1.key }) {
                    family.sample(count, ("loop", "\(worker.index)"), ("class", category))
                }
            }
        }
    }

    private static func listeners(_ report: StatusReport, _ page: inout MetricsPage) {
        page.family("sluice_listener_connections", .gauge, "Client connections open, by listening socket.") { family in
            for listener in report.listeners {
                family.sample(listener.connections, ("listener", listener.name), ("address", listener.address))
            }
        }
    }

    private static func services(_ report: StatusReport, _ page: inout MetricsPage) {
        page.family("sluice_service_in_flight", .gauge, "Requests in flight, all pools of the service.") { family in
            for service in report.services { family.sample(service.inFlight, ("service", service.name)) }
        }
        page.family("sluice_service_queued", .gauge, "Requests waiting for a place of the service.") { family in
            for service in report.services { family.sample(service.queued, ("service", service.name)) }
        }
        page.family("sluice_service_paused", .gauge, "1 while new requests of the service are held.") { family in
            for service in report.services { family.sample(service.release?.pause == nil ? 0 : 1, ("service", service.name)) }
        }
        page.family("sluice_pool_share", .gauge, "The pool's part of the live split, 0 to 1.") { family in
            for service in report.services {
                for pool in service.pools { family.sample(pool.share / 100, ("service", service.name), ("pool", pool.name)) }
            }
        }
        page.family("sluice_pool_in_flight", .gauge, "Requests in flight on the pool.") { family in
            for service in report.services {
                for pool in service.pools { family.sample(pool.inFlight, ("service", service.name), ("pool", pool.name)) }
            }
        }
    }

    private static func targets(_ report: StatusReport, _ page: inout MetricsPage) {
        func each(_ name: String, _ kind: MetricsPage.Kind, _ help: String, _ value: (TargetStatus) -> (any MetricValue)?) {
            page.family(name, kind, help) { family in
                for service in report.services {
                    for pool in service.pools {
                        for target in pool.targets {
                            guard let value = value(target) else { continue }
                            family.sample(value, ("service", service.name), ("pool", pool.name), ("target", target.target))
                        }
                    }
                }
            }
        }
        each("sluice_target_in_flight", .gauge, "Requests in flight on the target.") { $0.inFlight }
        each("sluice_target_weight", .gauge, "The target's weight in its pool.") { $0.weight }
        each("sluice_target_open", .gauge, "1 unless an operator closed the target (drain, maintenance).") { $0.state == "ready" ? 1 : 0 }
        each("sluice_target_failing", .gauge, "1 while the target takes no traffic because of its health checks.") { $0.failing ? 1 : 0 }
        each("sluice_target_healthy", .gauge, "What the target's health checks say; absent where there are none.") { target in
            target.health.map { $0.state == "healthy" ? 1 : 0 }
        }
        // The loops' numbers are one sum here: with one of them missing it would fall, and look like a restart.
        guard report.workers.allSatisfy(\.answering) else { return }
        each("sluice_target_requests_total", .counter, "Requests finished on the target.") { $0.requests }
        each("sluice_target_failures_total", .counter, "Requests that ended by the target's fault.") { $0.failures }
        each("sluice_target_idle_connections", .gauge, "Connections to the target kept for reuse.") { $0.idleConnections }
    }
}
