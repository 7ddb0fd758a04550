/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An IPv4 or IPv6 endpoint as a plain value. */

/*
 * Every constructor goes through shoal_addr_make(), which turns an IPv4-mapped IPv6 address into
 * IPv4: the same host reached through either kind of socket compares equal. Unused bytes of @ip
 * are 0, so whole arrays can be compared.
 */

#include "shoal-addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include "shoal-crc32c.h"

#define IPV4_SIZE   4    /* bytes */
#define IPV6_SIZE   16   /* bytes */
#define SITE_SIZE   8    /* bytes of an IPv6 address that its owner does not choose */
#define PORT_SIZE   2    /* bytes */
#define PORT_DIGITS 5

/* BEP 40 */
#define PRIORITY_IPV4_WHOLE 2      /* bytes of an address that are never masked */
#define PRIORITY_IPV6_WHOLE 6      /* bytes */
#define PRIORITY_MASK       0x55

static const guint8 mapped_prefix[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static gsize
ip_size (guint8 family)
{
  if (family == SHOAL_FAMILY_NONE)
    return 0;

  return family == SHOAL_FAMILY_IPV6 ? IPV6_SIZE : IPV4_SIZE;
}

static gboolean
is_zero (const guint8 *bytes,
         gsize         size)
{
  for (gsize i = 0; i < size; i++)
    {
      if (bytes[i] != 0)
        return FALSE;
    }

  return TRUE;
}

/* Nothing but digits, at most 65535. */
static gboolean
parse_port (guint16    *out,
            const char *text,
            gsize       size)
{
  guint32 port = 0;

  if (size == 0 || size > PORT_DIGITS)
    return FALSE;

  for (gsize i = 0; i < size; i++)
    {
      if (!g_ascii_isdigit (text[i]))
        return FALSE;
      port = port * 10 + (guint32) g_ascii_digit_value (text[i]);
    }

  if (port > G_MAXUINT16)
    return FALSE;
  *out = (guint16) port;

  return TRUE;
}

static gboolean
parse_ip (ShoalAddr  *out,
          const char *text,
          gsize       size,
          guint16     port)
{
  char name[INET6_ADDRSTRLEN];
  guint8 ip[IPV6_SIZE];

  if (size == 0 || size >= sizeof name)
    return FALSE;
  memcpy (name, text, size);
  name[size] = '\0';

  if (memchr (name, ':', size) != NULL)
    {
      if (inet_pton (AF_INET6, name, ip) != 1)
        return FALSE;
      *out = shoal_addr_make (SHOAL_FAMILY_IPV6, ip, port);
    }
  else
    {
      if (inet_pton (AF_INET, name, ip) != 1)
        return FALSE;
      *out = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, port);
    }

  return TRUE;
}

static guint32
crc32c_sorted (const guint8 *a,
               gsize         a_size,
               const guint8 *b,
               gsize         b_size)
{
  gboolean a_first = a_size != b_size ? a_size < b_size : memcmp (a, b, a_size) <= 0;

  if (a_first)
    return shoal_crc32c (shoal_crc32c (0, a, a_size), b, b_size);

  return shoal_crc32c (shoal_crc32c (0, b, b_size), a, a_size);
}

static void
put_port (guint8 *out,
          guint16 port)
{
  out[0] = (guint8) (port >> 8);
  out[1] = (guint8) port;
}

ShoalAddr
shoal_addr_make (ShoalFamily   family,
                 const guint8 *ip,
                 guint16       port)
{
  ShoalAddr self = { 0 };

  g_return_val_if_fail (family == SHOAL_FAMILY_IPV4 || family == SHOAL_FAMILY_IPV6, self);
  g_return_val_if_fail (ip != NULL, self);

  if (family == SHOAL_FAMILY_IPV6 && memcmp (ip, mapped_prefix, sizeof mapped_prefix) == 0)
    {
      family = SHOAL_FAMILY_IPV4;
      ip += sizeof mapped_prefix;
    }

  self.family = (guint8) family;
  self.port = port;
  memcpy (self.ip, ip, ip_size (self.family));

  return self;
}

gboolean
shoal_addr_from_sockaddr (ShoalAddr             *out,
                          const struct sockaddr *from,
                          socklen_t              size)
{
  g_return_val_if_fail (out != NULL, FALSE);
  g_return_val_if_fail (from != NULL || size == 0, FALSE);

  *out = (ShoalAddr){ 0 };
  if (size < sizeof from->sa_family)
    return FALSE;

  if (from->sa_family == AF_INET && size >= sizeof (struct sockaddr_in))
    {
      struct sockaddr_in in;

      memcpy (&in, from, sizeof in);
      *out = shoal_addr_make (SHOAL_FAMILY_IPV4,
                              (const guint8 *) &in.sin_addr,
                              ntohs (in.sin_port));
      return TRUE;
    }

  if (from->sa_family == AF_INET6 && size >= sizeof (struct sockaddr_in6))
    {
      struct sockaddr_in6 in6;

      memcpy (&in6, from, sizeof in6);
      *out = shoal_addr_make (SHOAL_FAMILY_IPV6, in6.sin6_addr.s6_addr, ntohs (in6.sin6_port));
      return TRUE;
    }

  return FALSE;
}

socklen_t
shoal_addr_to_sockaddr (const ShoalAddr         *self,
                        struct sockaddr_storage *out)
{
  g_return_val_if_fail (self != NULL, 0);
  g_return_val_if_fail (out != NULL, 0);
  g_return_val_if_fail (self->family != SHOAL_FAMILY_NONE, 0);

  memset (out, 0, sizeof *out);
  if (self->family == SHOAL_FAMILY_IPV4)
    {
      struct sockaddr_in *in = (struct sockaddr_in *) out;

      in->sin_family = AF_INET;
      in->sin_port = htons (self->port);
      memcpy (&in->sin_addr, self->ip, IPV4_SIZE);
      return sizeof *in;
    }
  else
    {
      struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) out;

      in6->sin6_family = AF_INET6;
      in6->sin6_port = htons (self->port);
      memcpy (&in6->sin6_addr, self->ip, IPV6_SIZE);
      return sizeof *in6;
    }
}

gsize
shoal_addr_compact_size (const ShoalAddr *self)
{
  g_return_val_if_fail (self != NULL, 0);
  g_return_val_if_fail (self->family != SHOAL_FAMILY_NONE, 0);

  return ip_size (self->family) + PORT_SIZE;
}

void
shoal_addr_to_compact (const ShoalAddr *self,
                       guint8          *out)
{
  gsize size;

  g_return_if_fail (self != NULL);
  g_return_if_fail (out != NULL);
  g_return_if_fail (self->family != SHOAL_FAMILY_NONE);

  size = ip_size (self->family);
  memcpy (out, self->ip, size);
  put_port (out + size, self->port);
}

void
shoal_addr_from_compact (ShoalAddr    *out,
                         ShoalFamily   family,
                         const guint8 *bytes)
{
  gsize size = ip_size ((guint8) family);

  g_return_if_fail (out != NULL);
  g_return_if_fail (bytes != NULL);
  g_return_if_fail (family == SHOAL_FAMILY_IPV4 || family == SHOAL_FAMILY_IPV6);

  *out = shoal_addr_make (family, bytes, (guint16) (bytes[size] << 8 | bytes[size + 1]));
}

gboolean
shoal_addr_parse (ShoalAddr  *out,
                  const char *text,
                  guint16     default_port)
{
  guint16 port = default_port;
  const char *end = NULL;      /* of the address */
  const char *colon = NULL;    /* before the port */
  const char *start = text;

  g_return_val_if_fail (out != NULL, FALSE);
  g_return_val_if_fail (text != NULL, FALSE);

  *out = (ShoalAddr){ 0 };

  /* An address that is longer than any valid one is not even looked through. */
  if (strnlen (text, SHOAL_ADDR_TEXT_MAX) == SHOAL_ADDR_TEXT_MAX)
    return FALSE;

  if (text[0] == '[')
    {
      start = text + 1;
      end = strchr (start, ']');
      if (end == NULL || memchr (start, ':', (gsize) (end - start)) == NULL)
        return FALSE;
      if (end[1] != '\0' && end[1] != ':')
        return FALSE;
      colon = end[1] == ':' ? end + 1 : NULL;
    }
  else
    {
      const char *first = strchr (text, ':');

      /* More than one colon and no brackets: an IPv6 address alone. */
      if (first != NULL && strchr (first + 1, ':') == NULL)
        colon = first;
      end = colon != NULL ? colon : text + strlen (text);
    }

  if (colon != NULL && !parse_port (&port, colon + 1, strlen (colon + 1)))
    return FALSE;
  if (colon == NULL && default_port == 0)
    return FALSE;

  return parse_ip (out, start, (gsize) (end - start), port);
}

char *
shoal_addr_to_text (const ShoalAddr *self)
{
  g_autofree char *ip = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  ip = shoal_addr_ip_to_text (self);
  if (self->family == SHOAL_FAMILY_IPV6)
    return g_strdup_printf ("[%s]:%u", ip, self->port);

  return g_strdup_printf ("%s:%u", ip, self->port);
}

char *
shoal_addr_ip_to_text (const ShoalAddr *self)
{
  char text[INET6_ADDRSTRLEN] = "";

  g_return_val_if_fail (self != NULL, NULL);

  if (self->family != SHOAL_FAMILY_NONE)
    inet_ntop (self->family == SHOAL_FAMILY_IPV6 ? AF_INET6 : AF_INET, self->ip, text, sizeof text);

  return g_strdup (text);
}

gboolean
shoal_addr_is_usable (const ShoalAddr *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  if (self->port == 0)
    return FALSE;

  if (self->family == SHOAL_FAMILY_IPV4)
    {
      static const guint8 broadcast[IPV4_SIZE] = { 255, 255, 255, 255 };

      /* 0.0.0.0/8 is "this host", 224.0.0.0/4 multicast. */
      return self->ip[0] != 0 && (self->ip[0] & 0xf0) != 0xe0 &&
             memcmp (self->ip, broadcast, sizeof broadcast) != 0;
    }

  return self->family == SHOAL_FAMILY_IPV6 && self->ip[0] != 0xff && !is_zero (self->ip, IPV6_SIZE);
}

gboolean
shoal_addr_is_local (const ShoalAddr *self)
{
  const guint8 *ip;

  g_return_val_if_fail (self != NULL, FALSE);

  if (shoal_addr_is_loopback (self))
    return TRUE;

  ip = self->ip;
  if (self->family == SHOAL_FAMILY_IPV4)
    return ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
           (ip[0] == 192 && ip[1] == 168) || (ip[0] == 169 && ip[1] == 254);

  /* fe80::/10 and fc00::/7 */
  return self->family == SHOAL_FAMILY_IPV6 &&
         ((ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80) || (ip[0] & 0xfe) == 0xfc);
}

gboolean
shoal_addr_is_loopback (const ShoalAddr *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  if (self->family == SHOAL_FAMILY_IPV4)
    return self->ip[0] == 127;

  return self->family == SHOAL_FAMILY_IPV6 && is_zero (self->ip, IPV6_SIZE - 1) &&
         self->ip[IPV6_SIZE - 1] == 1;
}

gboolean
shoal_addr_same_ip (const ShoalAddr *a,
                    const ShoalAddr *b)
{
  g_return_val_if_fail (a != NULL && b != NULL, FALSE);

  return a->family == b->family && memcmp (a->ip, b->ip, sizeof a->ip) == 0;
}

ShoalAddr
shoal_addr_site (const ShoalAddr *self)
{
  ShoalAddr site;

  g_return_val_if_fail (self != NULL, (ShoalAddr){ 0 });

  site = *self;
  site.port = 0;
  if (site.family == SHOAL_FAMILY_IPV6 && !shoal_addr_is_local (self))
    memset (site.ip + SITE_SIZE, 0, IPV6_SIZE - SITE_SIZE);

  return site;
}

gboolean
shoal_addr_same_site (const ShoalAddr *a,
                      const ShoalAddr *b)
{
  g_return_val_if_fail (a != NULL && b != NULL, FALSE);

  if (a->family != b->family || memcmp (a->ip, b->ip, SITE_SIZE) != 0)
    return FALSE;

  return (a->family == SHOAL_FAMILY_IPV6 && !shoal_addr_is_local (a)) || shoal_addr_same_ip (a, b);
}

int
shoal_addr_compare (const ShoalAddr *a,
                    const ShoalAddr *b)
{
  int order;

  g_return_val_if_fail (a != NULL && b != NULL, 0);

  if (a->family != b->family)
    return a->family < b->family ? -1 : 1;

  order = memcmp (a->ip, b->ip, sizeof a->ip);
  if (order != 0)
    return order;

  return (int) a->port - (int) b->port;
}

guint
shoal_addr_hash (gconstpointer key)
{
  const ShoalAddr *self = key;
  guint64 high;
  guint64 low;
  guint64 mix;

  memcpy (&high, self->ip, sizeof high);
  memcpy (&low, self->ip + sizeof high, sizeof low);

  mix = high * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) ^ low ^ (guint64) self->port << 32;
  mix = (mix ^ mix >> 29) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);

  return (guint) (mix >> 32);
}

gboolean
shoal_addr_equal (gconstpointer a,
                  gconstpointer b)
{
  const ShoalAddr *one = a;
  const ShoalAddr *other = b;

  return one->family == other->family && one->port == other->port &&
         memcmp (one->ip, other->ip, sizeof one->ip) == 0;
}

guint32
shoal_addr_priority (const ShoalAddr *a,
                     const ShoalAddr *b)
{
  guint8 masked_a[IPV6_SIZE];
  guint8 masked_b[IPV6_SIZE];
  gsize a_size;
  gsize b_size;
  gsize whole;

  g_return_val_if_fail (a != NULL && b != NULL, 0);
  g_return_val_if_fail (a->family != SHOAL_FAMILY_NONE && b->family != SHOAL_FAMILY_NONE, 0);

  if (shoal_addr_same_ip (a, b))
    {
      put_port (masked_a, a->port);
      put_port (masked_b, b->port);
      return crc32c_sorted (masked_a, PORT_SIZE, masked_b, PORT_SIZE);
    }

  /* The nearer two addresses are, the more of them counts: one byte past what they share. Between
   * the families the BEP says nothing; there each keeps what is never masked. */
  a_size = ip_size (a->family);
  b_size = ip_size (b->family);
  whole = a_size == IPV6_SIZE && b_size == IPV6_SIZE ? PRIORITY_IPV6_WHOLE : PRIORITY_IPV4_WHOLE;
  if (a_size == b_size && memcmp (a->ip, b->ip, whole) == 0)
    {
      while (a->ip[whole] == b->ip[whole])
        whole++;
      whole++;
    }

  for (gsize i = 0; i < IPV6_SIZE; i++)
    {
      guint8 mask = i < whole ? 0xff : PRIORITY_MASK;

      masked_a[i] = a->ip[i] & mask;
      masked_b[i] = b->ip[i] & mask;
    }

  return crc32c_sorted (masked_a, a_size, masked_b, b_size);
}
