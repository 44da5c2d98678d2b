// What Swift cannot import of OpenSSL 3.0, function-like macros, as functions. Nothing else.
#include <string.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/core_names.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static inline int sluice_SSL_CTX_set_min_proto_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}
static inline void sluice_SSL_CTX_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }
static inline void sluice_SSL_CTX_set_read_ahead(SSL_CTX *context, long on) { SSL_CTX_set_read_ahead(context, on); }
static inline void sluice_SSL_CTX_set_session_cache_mode(SSL_CTX *context, long mode) {
    SSL_CTX_set_session_cache_mode(context, mode);
}
static inline int sluice_SSL_CTX_set1_groups_list(SSL_CTX *context, const char *names) {
    return (int)SSL_CTX_set1_groups_list(context, (char *)names);
}
static inline void sluice_SSL_CTX_set_servername(SSL_CTX *context, int (*callback)(SSL *, int *, void *), void *argument) {
    SSL_CTX_set_tlsext_servername_callback(context, callback);
    SSL_CTX_set_tlsext_servername_arg(context, argument);
}
static inline void sluice_SSL_CTX_set_status(SSL_CTX *context, int (*callback)(SSL *, void *), void *argument) {
    SSL_CTX_set_tlsext_status_cb(context, callback);
    SSL_CTX_set_tlsext_status_arg(context, argument);
}
static inline void sluice_SSL_set_ocsp_response(SSL *ssl, void *response, long length) {
    SSL_set_tlsext_status_ocsp_resp(ssl, response, length);
}
static inline int sluice_SSL_set_host_name(SSL *ssl, const char *name) { return (int)SSL_set_tlsext_host_name(ssl, name); }

static inline uint64_t sluice_server_options(void) {
    return SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA;
}
static inline uint64_t sluice_client_options(void) { return SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION; }

static inline int sluice_error_reason(unsigned long code) { return ERR_GET_REASON(code); }
static inline int sluice_error_is_ssl(unsigned long code) { return ERR_GET_LIB(code) == ERR_LIB_SSL; }

static inline void sluice_BIO_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void sluice_BIO_no_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

static inline STACK_OF(X509) *sluice_chain_new(void) { return sk_X509_new_null(); }
static inline int sluice_chain_push(STACK_OF(X509) *chain, X509 *certificate) { return sk_X509_push(chain, certificate); }
static inline int sluice_chain_count(const STACK_OF(X509) *chain) { return sk_X509_num(chain); }
static inline X509 *sluice_chain_at(const STACK_OF(X509) *chain, int index) { return sk_X509_value(chain, index); }
static inline void sluice_chain_free(STACK_OF(X509) *chain) { sk_X509_pop_free(chain, X509_free); }

// The first OCSP responder that a certificate names, ended by zero; its length, 0 where there is none or it is too long.
static inline int sluice_responder(X509 *certificate, char *room, int size) {
    STACK_OF(OPENSSL_STRING) *list = X509_get1_ocsp(certificate);
    const char *first = list && sk_OPENSSL_STRING_num(list) > 0 ? sk_OPENSSL_STRING_value(list, 0) : "";
    int length = (int)strnlen(first, (size_t)size);
    if (length >= size) length = 0;
    memcpy(room, first, (size_t)length);
    room[length] = 0;
    X509_email_free(list);
    return length;
}
static inline int sluice_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline GENERAL_NAME *sluice_names_at(const GENERAL_NAMES *names, int index) {
    return sk_GENERAL_NAME_value(names, index);
}

// Here, because the names in OSSL_PARAM must outlive the call that makes it: a Swift string does not.
static inline int sluice_ticket_mac(EVP_MAC_CTX *context, const unsigned char *key, size_t length) {
    OSSL_PARAM parameters[3];
    parameters[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key, length);
    parameters[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0);
    parameters[2] = OSSL_PARAM_construct_end();
    return EVP_MAC_CTX_set_params(context, parameters);
}
