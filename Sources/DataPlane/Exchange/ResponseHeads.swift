internal import HTTP
internal import Net
internal import Routing

/// Response heads: interim ones passed on, an upgrade granted, the final one judged and sent.
extension Exchange {
    /// `block` begins with a response head, or a part of one; used up.
    func takeResponseHead(_ block: Block, lastRead: Int) {
        let mine = serial
        while serial == mine, let upstream {
            switch upstream.parser.parse(
                block.bytes, requestMethod: head.method, into: worker.responseFields, limits: worker.settings.limits)
            {
            case .needMore: return upstream.transport.keep(block, worker)
            case .refused:
                worker.giveBack(block)
                return upstreamFailed(.malformed)
            case .head(let received):
                upstream.parser.reset()
                if received.status >= 200 { return takeFinal(received, block, lastRead: lastRead) }
                if received.status == 101 { return takeUpgrade(received, block) }
                guard takeInterim(received, block) else { return worker.giveBack(block) }
                block.consume(received.length)
                if block.isEmpty { return worker.giveBack(block) }
            }
        }
        worker.giveBack(block)
    }

    /// 100, 103 and whatever may come: to clients that know them (RFC 9110 §15.2). False when the exchange has failed over it.
    private func takeInterim(_ received: ResponseHead, _ block: Block) -> Bool {
        response.interimCount += 1
        guard response.interimCount <= LoopSettings.interimResponses else {
            upstreamFailed(.malformed)
            return false
        }
        if head.minorVersion == 1, let downstream {
            var out = worker.headWriter()
            ResponseRewriter.writeInterim(received, of: block.bytes, fields: worker.responseFields, to: &out)
            times.bytesOut &+= UInt64(out.count)
            downstream.sendInterim(out.bytes)
        }
        return true
    }

    /// 101 is only for who asked for it (RFC 9110 §15.2.2), and the request's body must be over.
    private func takeUpgrade(_ received: ResponseHead, _ block: Block) {
        guard head.wantsUpgrade, requestBody.isFinished, received.has(.upgrade), let downstream,
            downstream.acceptsUpgrade(block.bytes, worker.responseFields)
        else {
            worker.giveBack(block)
            return upstreamFailed(.malformed)
        }
        var out = worker.headWriter()
        ResponseRewriter.writeUpgrade(received, of: block.bytes, fields: worker.responseFields, exchange: self, to: &out)
        response.status = received.status
        times.bytesOut &+= UInt64(out.count)
        downstream.sendInterim(out.bytes)
        block.consume(received.length)
        becomeTunnel(block)
    }

    private func takeFinal(_ received: ResponseHead, _ block: Block, lastRead: Int) {
        guard let route, let downstream, let upstream else { return worker.giveBack(block) }
        if downstream.isHTTP2, head.wantsUpgrade, received.status < 300 {
            // To extended CONNECT any 2xx would open a tunnel (RFC 8441 §5), which the target has not.
            worker.giveBack(block)
            return upstreamFailed(.malformed)
        }
        response.status = received.status
        response.upstreamPersists = received.isPersistent
        responseBody = upstream.isHTTP2 ? body(of: received, upstream) : MessageBody(received.framing, dropsTrailers: received.namesFields)
        if !downstream.isHTTP2 { decideFraming(received, to: downstream) }
        var out = worker.headWriter()
        if !downstream.isHTTP2, !upstream.isHTTP2, isPlain(received, route) { return sendPlain(received, block, lastRead: lastRead) }
        ResponseRewriter.write(received, of: block.bytes, fields: worker.responseFields, exchange: self, route: route, to: &out)
        if out.isOverfull {
            worker.giveBack(block)
            return upstreamFailed(.malformed)
        }
        block.consume(received.length)
        relayResponseBody(&out, block, lastRead: lastRead)
    }

    /// The first bytes of the response are about to leave: from here there is no way back. When they are also the last, the target is done
    /// with, and its claim given back before the client can ask for more.
    func startResponse(_ downstream: DownstreamStream) {
        if case .requesting = machine.state {
            machine.respond()
            if keptBody != nil { dropKeptBody() }
            if requestBody.isFinished { downstream.clearDeadline() } else { downstream.expectBody() }
        }
        if responseBody.isFinished { releaseClaims() }
    }

    /// Trailers may follow a length, too, so the stream's end alone is the body's; nothing follows where there can be no body.
    private func body(of received: ResponseHead, _ upstream: UpstreamStream) -> MessageBody {
        MessageBody(stream: received.framing == .none || (received.framing == .length(0) && upstream.transport.hasEnded))
    }

    private func decideFraming(_ received: ResponseHead, to downstream: DownstreamStream) {
        let isDelimitedByUs: Bool
        switch received.framing {
        case .none, .length: isDelimitedByUs = false
        case .chunked, .untilClose: isDelimitedByUs = true
        }
        response.isChunkedDownstream = isDelimitedByUs && head.minorVersion == 1
        // An error in the middle of an upload: the client should not have to send the rest to keep a connection (RFC 9112 §9.5).
        let cutsUpload = !requestBody.isFinished && received.status >= 400
        response.closesDownstream =
            !head.isPersistent || worker.isDraining || cutsUpload || (isDelimitedByUs && head.minorVersion == 0) || downstream.isOfAge
    }

    /// Nothing to take out, nothing to put in: the bytes go on as they came.
    private func isPlain(_ received: ResponseHead, _ route: Route) -> Bool {
        let changing = RequestRewriter.bit(.transferEncoding)
        return !received.hasHopByHop && received.present & changing == 0 && received.minorVersion == 1 && received.has(.date)
            && !response.closesDownstream && !response.isChunkedDownstream && head.minorVersion == 1 && received.status != 204
            && route.responseEdits.isEmpty && !issuesCookie && !tellsTransportSecurity
    }

    /// Head and body in the one buffer that they came in.
    private func sendPlain(_ received: ResponseHead, _ block: Block, lastRead: Int) {
        guard let downstream, let upstream else { return worker.giveBack(block) }
        let body = UnsafeMutableRawBufferPointer(rebasing: block.mutableBytes[received.length...])
        guard let taken = try? responseBody.take(body, limits: worker.settings.limits) else {
            worker.giveBack(block)
            return upstreamFailed(.malformed)
        }
        if taken.consumed < body.count {
            response.upstreamPersists = false
            block.truncate(by: body.count - taken.consumed)
        }
        times.bytesOut &+= UInt64(block.count)
        startResponse(downstream)
        let keepsUp = downstream.send(block)
        upstream.transport.adaptRelaySize(lastRead: lastRead, peerKeptUp: keepsUp)
        if responseBody.isFinished { return finishResponse() }
        upstream.setDeadline(after: idleTimeout)
        if !keepsUp { downstream.awaitWritable() }
    }
}

/// Writes response heads as they go to the client.
enum ResponseRewriter {
    static func write(
        _ head: ResponseHead, of bytes: UnsafeRawBufferPointer, fields: FieldTable, exchange: Exchange, route: Route,
        to out: inout HeadWriter
    ) {
        putStatusLine(head, bytes, to: &out)
        var dropped: UInt64 = 0
        if !exchange.response.isChunkedDownstream || head.minorVersion == 0 { dropped |= RequestRewriter.bit(.transferEncoding) }
        // RFC 9110 §8.6: never with 204.
        if head.status == 204 { dropped |= RequestRewriter.bit(.contentLength) }
        let tellsSecurity = exchange.tellsTransportSecurity
        if tellsSecurity { dropped |= RequestRewriter.bit(.strictTransportSecurity) }
        putFields(head, bytes, fields, dropped: dropped, edits: route.responseEdits, to: &out)
        if !head.has(.date) { exchange.worker.date.write(to: &out, wall: exchange.worker.loop.wall) }
        if exchange.response.isChunkedDownstream, !head.has(.transferEncoding) { out.put("Transfer-Encoding: chunked\r\n") }
        if exchange.response.closesDownstream {
            out.put("Connection: close\r\n")
        } else if exchange.head.minorVersion == 0 {
            out.put("Connection: keep-alive\r\n")
        }
        if tellsSecurity { exchange.putTransportSecurity(to: &out) }
        out.put(route.responseEdits.lines)
        exchange.putIssuedCookie(head, bytes, to: &out)
        out.put("\r\n")
    }

    static func writeInterim(_ head: ResponseHead, of bytes: UnsafeRawBufferPointer, fields: FieldTable, to out: inout HeadWriter) {
        putStatusLine(head, bytes, to: &out)
        let framing = RequestRewriter.bit(.contentLength) | RequestRewriter.bit(.transferEncoding)
        putFields(head, bytes, fields, dropped: framing, edits: CompiledEdits(), to: &out)
        out.put("\r\n")
    }

    static func writeUpgrade(
        _ head: ResponseHead, of bytes: UnsafeRawBufferPointer, fields: FieldTable, exchange: Exchange, to out: inout HeadWriter
    ) {
        let edits = exchange.route?.responseEdits
        putStatusLine(head, bytes, to: &out)
        var dropped = RequestRewriter.bit(.contentLength) | RequestRewriter.bit(.transferEncoding)
        let tellsSecurity = exchange.tellsTransportSecurity
        if tellsSecurity { dropped |= RequestRewriter.bit(.strictTransportSecurity) }
        putFields(head, bytes, fields, dropped: dropped, edits: edits ?? CompiledEdits(), to: &out)
        KeptFields.writeOnly(.upgrade, fields, of: bytes, out: &out)
        out.put("Connection: Upgrade\r\n")
        if tellsSecurity { exchange.putTransportSecurity(to: &out) }
        if let edits { out.put(edits.lines) }
        exchange.putIssuedCookie(head, bytes, to: &out)
        out.put("\r\n")
    }

    private static func putStatusLine(_ head: ResponseHead, _ bytes: UnsafeRawBufferPointer, to out: inout HeadWriter) {
        out.put("HTTP/1.1 ")
        out.put(decimal: UInt64(head.status))
        out.put(UInt8(ascii: " "))
        out.put(head.reason, of: bytes)
        out.put("\r\n")
    }

    private static func putFields(
        _ head: ResponseHead, _ bytes: UnsafeRawBufferPointer, _ fields: FieldTable, dropped: UInt64, edits: CompiledEdits,
        to out: inout HeadWriter
    ) {
        KeptFields.write(
            fields, of: bytes, from: head.fieldsStart, to: UInt32(clamping: head.length - 2), dropped: dropped, edits: edits, out: &out)
    }
}
