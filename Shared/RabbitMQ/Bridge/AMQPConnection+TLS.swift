import CRabbitMQ

extension AMQPConnection {
    /// A TLS socket that checks the broker's certificate and the name in it; the connection's state owns it.
    ///
    /// - Throws: `.configuration` when a file holds no such thing.
    static func tlsSocket(
        _ state: amqp_connection_state_t, _ tls: RabbitMQTLS
    ) throws(RabbitMQError) -> OpaquePointer? {
        guard let socket = amqp_ssl_socket_new(state) else { return nil }
        // The library's defaults, said again because everything rests on them.
        amqp_ssl_socket_set_verify_peer(socket, 1)
        amqp_ssl_socket_set_verify_hostname(socket, 1)
        let versions = amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST)
        guard versions == AMQP_STATUS_OK.rawValue else {
            throw RabbitMQError(.configuration, "the TLS library knows no TLS 1.2")
        }
        if let file = tls.authorityFile {
            let status = file.withCString { amqp_ssl_socket_set_cacert(socket, $0) }
            guard status == AMQP_STATUS_OK.rawValue else {
                throw RabbitMQError(.configuration, "the authorities file for the broker holds no certificate: \(file)")
            }
        }
        if let certificate = tls.certificateFile, let key = tls.keyFile {
            let status = certificate.withCString { certificate in
                key.withCString { key in amqp_ssl_socket_set_key(socket, certificate, key) }
            }
            guard status == AMQP_STATUS_OK.rawValue else {
                throw RabbitMQError(
                    .configuration, "the certificate and key files for the broker do not hold a pair: \(certificate)")
            }
        }
        return socket
    }
}

extension RabbitMQError {
    /// From opening a socket; nil when it is open.
    init?(connecting status: Int32) {
        switch status {
        case AMQP_STATUS_OK.rawValue: return nil
        case AMQP_STATUS_TIMEOUT.rawValue: self.init(.deadlineExceeded, "no answer in time")
        case AMQP_STATUS_SSL_PEER_VERIFY_FAILED.rawValue:
            self.init(
                .certificateRefused, "the broker's certificate has expired or comes from none of the given authorities")
        case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED.rawValue:
            self.init(.certificateRefused, "the broker's certificate is for another name")
        case AMQP_STATUS_SSL_CONNECTION_FAILED.rawValue, AMQP_STATUS_SSL_ERROR.rawValue:
            self.init(
                .connectionRefused,
                "no TLS: the port speaks no TLS of version 1.2 or later, or the broker refuses our certificate"
            )
        case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED.rawValue: self.init(.connectionRefused, "the name has no address")
        default: self.init(.connectionRefused, "nothing listens there")
        }
    }

    /// From the login; nil when it succeeded. A TLS port answers a plain hello with an alert, which is no AMQP, or not
    /// at all; a broker that wants a certificate ends a TLS 1.3 connection only now.
    init?(loggingIn reply: amqp_rpc_reply_t, isSecure: Bool) {
        self.init(reply, while: "logging in")
        let unclear: [Int32] = [
            AMQP_STATUS_BAD_AMQP_DATA.rawValue, AMQP_STATUS_CONNECTION_CLOSED.rawValue,
            AMQP_STATUS_SOCKET_ERROR.rawValue, AMQP_STATUS_TIMEOUT.rawValue, AMQP_STATUS_SSL_ERROR.rawValue,
        ]
        guard reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION, unclear.contains(reply.library_error) else { return }
        let advice =
            isSecure
            ? "the broker may refuse our certificate or our user" : "if the port speaks TLS, the URL must be amqps"
        self = RabbitMQError(code, "\(reason); \(advice)")
    }
}
