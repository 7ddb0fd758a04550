/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proxies: URLs that name one, the handshakes of SOCKS5 (RFC 1928, 1929) and HTTP CONNECT,
 * datagrams of SOCKS5. */

/*
 * The size of each answer of SOCKS5 is known before it is read, or after its first five bytes; an
 * answer of HTTP ends with an empty line, so it is read byte by byte. Nothing is ever read beyond
 * the handshake: a peer may speak first.
 */

#include "shoal-socks.h"

#include <string.h>
#include "shoal-error.h"
#include "shoal-reader.h"
#include "shoal-writer.h"

#define VERSION          5
#define AUTH_VERSION     1
#define METHOD_NONE      0
#define METHOD_PASSWORD  2
#define COMMAND_CONNECT  1
#define COMMAND_RELAY    3
#define TYPE_IPV4        1
#define TYPE_NAME        3
#define TYPE_IPV6        4
#define METHOD_SIZE      2    /* bytes of answers */
#define REPLY_SIZE_FIRST 5
#define SOCKS_PORT       1080
#define HTTP_PORT        8080

typedef enum { STATE_METHOD, STATE_AUTH, STATE_REPLY, STATE_HTTP, STATE_OVER } State;

struct _ShoalProxyHandshake
{
  ShoalProxyServer server;
  State            state;
  guint8           command;
  char            *host;      /* (nullable) */
  ShoalAddr        to;
  ShoalWriter      output;
  gsize            sent;
  GByteArray      *came;      /* of the answer that is being read */
  char            *error;     /* (nullable) */
  ShoalAddr        bound;
};

/* --- URLs --- */

static gboolean
copy_part (char       *out,
           const char *text)
{
  return g_strlcpy (out, text != NULL ? text : "", SHOAL_PROXY_TEXT_MAX + 1) <=
         SHOAL_PROXY_TEXT_MAX;
}

gboolean
shoal_proxy_server_parse (ShoalProxyServer *out,
                          const char       *url,
                          GError          **error)
{
  g_autofree char *scheme = NULL;
  g_autofree char *user = NULL;
  g_autofree char *password = NULL;
  g_autofree char *host = NULL;
  int port = -1;

  *out = (ShoalProxyServer){ 0 };
  if (!g_uri_split_with_user (url, G_URI_FLAGS_HAS_PASSWORD, &scheme, &user, &password, NULL, &host,
                              &port, NULL, NULL, NULL, NULL) ||
      host == NULL || *host == '\0')
    {
      g_set_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_MALFORMED,
                   "not socks5://HOST:PORT or http://HOST:PORT");
      return FALSE;
    }
  if (g_strcmp0 (scheme, "socks5") == 0 || g_strcmp0 (scheme, "socks5h") == 0)
    out->kind = SHOAL_PROXY_SOCKS5;
  else if (g_strcmp0 (scheme, "http") == 0)
    out->kind = SHOAL_PROXY_HTTP;
  else
    {
      g_set_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_UNSUPPORTED,
                   "a proxy is socks5:// or http://, nothing else");
      return FALSE;
    }
  if (port <= 0)
    port = out->kind == SHOAL_PROXY_SOCKS5 ? SOCKS_PORT : HTTP_PORT;
  if (port > G_MAXUINT16 || !copy_part (out->host, host) || !copy_part (out->user, user) ||
      !copy_part (out->password, password))
    {
      *out = (ShoalProxyServer){ 0 };
      g_set_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE,
                   "a part of the proxy's URL is too long");
      return FALSE;
    }
  if (*out->user == '\0' && *out->password != '\0')
    {
      *out = (ShoalProxyServer){ 0 };
      g_set_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_MALFORMED,
                   "a proxy that wants a password wants a user too");
      return FALSE;
    }
  out->port = (guint16) port;

  return TRUE;
}

char *
shoal_proxy_server_url (const ShoalProxyServer *self,
                        const char             *host)
{
  g_autofree char *user = g_uri_escape_string (self->user, NULL, FALSE);
  g_autofree char *password = g_uri_escape_string (self->password, NULL, FALSE);
  const char *scheme = self->kind == SHOAL_PROXY_SOCKS5 ? "socks5" : "http";
  gboolean is_ipv6 = strchr (host, ':') != NULL;

  return g_strdup_printf ("%s://%s%s%s%s%s%s%s:%u", scheme, user, *self->user != '\0' ? ":" : "",
                          password, *self->user != '\0' ? "@" : "", is_ipv6 ? "[" : "", host,
                          is_ipv6 ? "]" : "", self->port);
}

/* --- SOCKS5 --- */

static gsize
put_target (guint8          *out,
            const char      *host,
            const ShoalAddr *to)
{
  guint8 *at = out;

  if (host != NULL)
    {
      gsize size = MIN (strlen (host), SHOAL_PROXY_TEXT_MAX);

      *at++ = TYPE_NAME;
      *at++ = (guint8) size;
      memcpy (at, host, size);
      at += size;
    }
  else
    {
      gsize size = to->family == SHOAL_FAMILY_IPV6 ? 16 : 4;

      *at++ = size == 16 ? TYPE_IPV6 : TYPE_IPV4;
      memcpy (at, to->ip, size);
      at += size;
    }
  *at++ = (guint8) (to->port >> 8);
  *at++ = (guint8) to->port;

  return (gsize) (at - out);
}

/* An address behind its type; FALSE: malformed. A name leaves the family NONE. */
static gboolean
read_target (ShoalReader *reader,
             ShoalAddr   *out)
{
  guint8 type = shoal_reader_u8 (reader);
  const guint8 *bytes;
  guint16 port;

  *out = (ShoalAddr){ 0 };
  if (type != TYPE_IPV4 && type != TYPE_IPV6 && type != TYPE_NAME)
    return FALSE;
  bytes = shoal_reader_bytes (reader, type == TYPE_NAME   ? shoal_reader_u8 (reader)
                                      : type == TYPE_IPV6 ? 16
                                                          : 4);
  port = shoal_reader_u16 (reader);
  if (reader->bad)
    return FALSE;
  if (type != TYPE_NAME)
    *out = shoal_addr_make (type == TYPE_IPV6 ? SHOAL_FAMILY_IPV6 : SHOAL_FAMILY_IPV4, bytes, port);

  return TRUE;
}

static void
say_request (ShoalProxyHandshake *self)
{
  guint8 request[3 + 2 + SHOAL_PROXY_TEXT_MAX + 2] = { VERSION, self->command, 0 };
  gsize size = put_target (request + 3, self->host, &self->to);

  shoal_writer_bytes (&self->output, request, 3 + size);
  self->state = STATE_REPLY;
}

static ShoalProxyProgress
fail (ShoalProxyHandshake *self,
      const char          *error)
{
  self->state = STATE_OVER;
  self->error = g_strdup (error);

  return SHOAL_PROXY_FAILED;
}

static ShoalProxyProgress
heard_method (ShoalProxyHandshake *self)
{
  gboolean can_tell = *self->server.user != '\0';
  guint8 method = self->came->data[1];

  if (self->came->data[0] != VERSION)
    return fail (self, "The proxy does not speak SOCKS5");
  g_byte_array_set_size (self->came, 0);
  if (method == METHOD_NONE)
    {
      say_request (self);
      return SHOAL_PROXY_GOES_ON;
    }
  if (method != METHOD_PASSWORD || !can_tell)
    return fail (self, can_tell ? "The proxy does not take a password"
                                : "The proxy wants a user and a password");

  shoal_writer_u8 (&self->output, AUTH_VERSION);
  shoal_writer_u8 (&self->output, (guint8) strlen (self->server.user));
  shoal_writer_text (&self->output, self->server.user);
  shoal_writer_u8 (&self->output, (guint8) strlen (self->server.password));
  shoal_writer_text (&self->output, self->server.password);
  self->state = STATE_AUTH;

  return SHOAL_PROXY_GOES_ON;
}

static ShoalProxyProgress
heard_auth (ShoalProxyHandshake *self)
{
  if (self->came->data[1] != 0)
    return fail (self, "The proxy refuses user or password");

  g_byte_array_set_size (self->came, 0);
  say_request (self);

  return SHOAL_PROXY_GOES_ON;
}

static ShoalProxyProgress
heard_reply (ShoalProxyHandshake *self)
{
  static const char *const errors[] = {
    NULL,
    "The proxy failed",
    "The proxy does not allow it",
    "The proxy finds the network unreachable",
    "The proxy finds the host unreachable",
    "The connection was refused, says the proxy",
    "The proxy waited too long",
    "The proxy does not know this command",
    "The proxy does not know this kind of address",
  };
  guint8 reply = self->came->data[1];
  ShoalReader reader = shoal_reader (self->came->data + 3, self->came->len - 3);

  if (self->came->data[0] != VERSION)
    return fail (self, "The proxy does not speak SOCKS5");
  if (reply != 0)
    return fail (self, reply < G_N_ELEMENTS (errors) ? errors[reply] : "The proxy failed");
  if (!read_target (&reader, &self->bound))
    return fail (self, "The proxy answers nonsense");
  self->state = STATE_OVER;

  return SHOAL_PROXY_DONE;
}

/* 0: malformed */
static gsize
reply_size (const GByteArray *came)
{
  if (came->len < REPLY_SIZE_FIRST)
    return REPLY_SIZE_FIRST;

  switch (came->data[3])
    {
    case TYPE_IPV4:
      return 4 + 4 + 2;
    case TYPE_IPV6:
      return 4 + 16 + 2;
    case TYPE_NAME:
      return 4 + 1 + came->data[4] + 2u;
    default:
      return 0;
    }
}

/* --- HTTP --- */

static void
say_connect (ShoalProxyHandshake *self)
{
  g_autofree char *target = NULL;

  if (self->host != NULL)
    target = g_strdup_printf (strchr (self->host, ':') != NULL ? "[%s]:%u" : "%s:%u", self->host,
                              self->to.port);
  else
    target = shoal_addr_to_text (&self->to);
  shoal_writer_format (&self->output, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", target, target);
  if (*self->server.user != '\0')
    {
      g_autofree char *both = g_strconcat (self->server.user, ":", self->server.password, NULL);
      g_autofree char *encoded = g_base64_encode ((const guchar *) both, strlen (both));

      shoal_writer_format (&self->output, "Proxy-Authorization: Basic %s\r\n", encoded);
    }
  shoal_writer_text (&self->output, "\r\n");
  self->state = STATE_HTTP;
}

static ShoalProxyProgress
heard_http (ShoalProxyHandshake *self)
{
  const guint8 *came = self->came->data;
  gsize size = self->came->len;
  const char *status;
  gboolean whole = (size >= 4 && memcmp (came + size - 4, "\r\n\r\n", 4) == 0) ||
                   (size >= 2 && memcmp (came + size - 2, "\n\n", 2) == 0);

  if (size >= 5 && memcmp (came, "HTTP/", 5) != 0)
    return fail (self, "The proxy does not speak HTTP");
  if (!whole)
    return size < SHOAL_HTTP_HEAD_MAX ? SHOAL_PROXY_GOES_ON
                                      : fail (self, "The proxy answers without an end");

  status = memchr (came, ' ', size);
  if (status == NULL || (const guint8 *) status + 4 > came + size)
    return fail (self, "The proxy answers nonsense");
  if (strncmp (status + 1, "407", 3) == 0)
    return fail (self, *self->server.user != '\0' ? "The proxy refuses user or password"
                                                  : "The proxy wants a user and a password");
  if (status[1] != '2')
    return fail (self, "The proxy refuses the connection");
  self->state = STATE_OVER;

  return SHOAL_PROXY_DONE;
}

/* --- Public --- */

static ShoalProxyHandshake *
handshake_new (const ShoalProxyServer *server,
               guint8                  command,
               const char             *host,
               const ShoalAddr        *to)
{
  ShoalProxyHandshake *self = g_new0 (ShoalProxyHandshake, 1);
  gboolean password = *server->user != '\0';

  self->server = *server;
  self->command = command;
  self->host = g_strdup (host);
  self->to = *to;
  self->came = g_byte_array_new ();
  if (server->kind == SHOAL_PROXY_HTTP)
    {
      say_connect (self);
      return self;
    }

  shoal_writer_u8 (&self->output, VERSION);
  shoal_writer_u8 (&self->output, password ? 2 : 1);
  shoal_writer_u8 (&self->output, METHOD_NONE);
  if (password)
    shoal_writer_u8 (&self->output, METHOD_PASSWORD);

  return self;
}

ShoalProxyHandshake *
shoal_proxy_handshake_connect (const ShoalProxyServer *server,
                               const char             *host,
                               const ShoalAddr        *to)
{
  return handshake_new (server, COMMAND_CONNECT, host, to);
}

ShoalProxyHandshake *
shoal_proxy_handshake_associate (const ShoalProxyServer *server)
{
  static const guint8 any[4] = { 0 };
  ShoalAddr to = shoal_addr_make (SHOAL_FAMILY_IPV4, any, 0);

  g_return_val_if_fail (server->kind == SHOAL_PROXY_SOCKS5, NULL);

  return handshake_new (server, COMMAND_RELAY, NULL, &to);
}

void
shoal_proxy_handshake_free (ShoalProxyHandshake *self)
{
  if (self == NULL)
    return;

  shoal_writer_clear (&self->output);
  g_byte_array_unref (self->came);
  g_free (self->host);
  g_free (self->error);
  g_free (self);
}

const guint8 *
shoal_proxy_handshake_output (const ShoalProxyHandshake *self,
                              gsize                     *size)
{
  *size = self->output.size - self->sent;

  return *size > 0 ? self->output.data + self->sent : NULL;
}

void
shoal_proxy_handshake_sent (ShoalProxyHandshake *self,
                            gsize                size)
{
  g_return_if_fail (size <= self->output.size - self->sent);

  self->sent += size;
}

gsize
shoal_proxy_handshake_wanted (const ShoalProxyHandshake *self)
{
  switch (self->state)
    {
    case STATE_METHOD:
    case STATE_AUTH:
      return METHOD_SIZE - self->came->len;

    case STATE_REPLY:
      return reply_size (self->came) - self->came->len;

    case STATE_HTTP:
      return 1;

    case STATE_OVER:
    default:
      return 0;
    }
}

static ShoalProxyProgress
advance (ShoalProxyHandshake *self)
{
  if (self->state == STATE_HTTP)
    return heard_http (self);
  if (self->state == STATE_REPLY && reply_size (self->came) == 0)
    return fail (self,
                 self->came->data[1] != 0 ? "The proxy failed" : "The proxy answers nonsense");
  if (shoal_proxy_handshake_wanted (self) > 0)
    return SHOAL_PROXY_GOES_ON;

  switch (self->state)
    {
    case STATE_METHOD:
      return heard_method (self);
    case STATE_AUTH:
      return heard_auth (self);
    default:
      return heard_reply (self);
    }
}

ShoalProxyProgress
shoal_proxy_handshake_received (ShoalProxyHandshake *self,
                                const guint8        *bytes,
                                gsize                size)
{
  ShoalProxyProgress progress = SHOAL_PROXY_GOES_ON;

  g_return_val_if_fail (self->state != STATE_OVER, SHOAL_PROXY_FAILED);
  g_return_val_if_fail (size <= shoal_proxy_handshake_wanted (self), SHOAL_PROXY_FAILED);

  g_byte_array_append (self->came, bytes, (guint) size);
  if (size > 0)
    progress = advance (self);

  return progress;
}

const char *
shoal_proxy_handshake_error (const ShoalProxyHandshake *self)
{
  return self->error;
}

const ShoalAddr *
shoal_proxy_handshake_bound (const ShoalProxyHandshake *self)
{
  return &self->bound;
}

/* --- Datagrams --- */

gsize
shoal_socks_write_head (guint8          *out,
                        const char      *host,
                        const ShoalAddr *to)
{
  memset (out, 0, 3);

  return 3 + put_target (out + 3, host, to);
}

gboolean
shoal_socks_read_head (const guint8 *bytes,
                       gsize         size,
                       ShoalAddr    *from,
                       gsize        *payload)
{
  ShoalReader reader = shoal_reader (bytes, size);

  shoal_reader_u16 (&reader);
  /* Fragments: nobody sends them. */
  if (shoal_reader_u8 (&reader) != 0 || !read_target (&reader, from))
    return FALSE;
  *payload = (gsize) (reader.at - bytes);

  return TRUE;
}
