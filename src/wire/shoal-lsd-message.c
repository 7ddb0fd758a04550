/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of local service discovery (BEP 14). */

/* The format is that of HTTP headers: lines end in CR LF, or in LF with some clients, names in any
 * case. What is not known is passed over. Pure functions, any thread. */

#include "shoal-lsd-message.h"

#include <string.h>
#include "shoal-writer.h"

#define FIRST_LINE "BT-SEARCH * HTTP/1."

ShoalAddr
shoal_lsd_group (ShoalFamily family)
{
  static const guint8 four[4] = { 239, 192, 152, 143 };
  static const guint8 six[16] = { 0xff, 0x15, [12] = 0xef, 0xc0, 0x98, 0x8f };

  return shoal_addr_make (family, family == SHOAL_FAMILY_IPV6 ? six : four, SHOAL_LSD_PORT);
}

/* The next line without its end. FALSE: there is none. */
static gboolean
next_line (const char **at,
           const char  *end,
           const char **line,
           gsize       *size)
{
  const char *newline;

  if (*at >= end)
    return FALSE;
  newline = memchr (*at, '\n', (gsize) (end - *at));
  *line = *at;
  *size = (gsize) ((newline != NULL ? newline : end) - *at);
  *at = newline != NULL ? newline + 1 : end;
  if (*size > 0 && (*line)[*size - 1] == '\r')
    (*size)--;

  return TRUE;
}

/* Whether the line is a header of that name; its value without blanks around it. */
static gboolean
is_header (const char  *line,
           gsize        size,
           const char  *name,
           const char **value,
           gsize       *value_size)
{
  gsize name_size = strlen (name);

  if (size <= name_size || line[name_size] != ':'
      || g_ascii_strncasecmp (line, name, name_size) != 0)
    return FALSE;
  line += name_size + 1;
  size -= name_size + 1;
  while (size > 0 && (*line == ' ' || *line == '\t'))
    {
      line++;
      size--;
    }
  while (size > 0 && (line[size - 1] == ' ' || line[size - 1] == '\t'))
    size--;
  *value = line;
  *value_size = size;

  return TRUE;
}

static gboolean
read_port (const char *value,
           gsize       size,
           guint16    *port)
{
  guint number = 0;

  if (size == 0 || size > 5)
    return FALSE;
  for (gsize i = 0; i < size; i++)
    {
      if (!g_ascii_isdigit (value[i]))
        return FALSE;
      number = number * 10 + (guint) (value[i] - '0');
    }
  if (number == 0 || number > G_MAXUINT16)
    return FALSE;
  *port = (guint16) number;

  return TRUE;
}

static void
read_hash (ShoalLsdMessage *out,
           const char      *value,
           gsize            size)
{
  ShoalSha1 hash;

  if (size != 2 * SHOAL_SHA1_SIZE || out->n_hashes >= SHOAL_LSD_READ_MAX)
    return;
  for (guint i = 0; i < SHOAL_SHA1_SIZE; i++)
    {
      int high = g_ascii_xdigit_value (value[2 * i]);
      int low = g_ascii_xdigit_value (value[2 * i + 1]);

      if (high < 0 || low < 0)
        return;
      hash.bytes[i] = (guint8) (high << 4 | low);
    }
  out->hashes[out->n_hashes++] = hash;
}

gboolean
shoal_lsd_message_parse (ShoalLsdMessage *out,
                         const guint8    *data,
                         gsize            size)
{
  const char *at = (const char *) data;
  const char *end = at + size;
  const char *line, *value;
  gsize line_size, value_size;

  out->port = 0;
  out->n_hashes = 0;
  out->cookie[0] = '\0';
  if (size > SHOAL_LSD_SIZE_MAX || !next_line (&at, end, &line, &line_size)
      || line_size < strlen (FIRST_LINE) || memcmp (line, FIRST_LINE, strlen (FIRST_LINE)) != 0)
    return FALSE;

  while (next_line (&at, end, &line, &line_size))
    {
      if (is_header (line, line_size, "Port", &value, &value_size))
        {
          if (!read_port (value, value_size, &out->port))
            return FALSE;
        }
      else if (is_header (line, line_size, "Infohash", &value, &value_size))
        {
          read_hash (out, value, value_size);
        }
      else if (is_header (line, line_size, "cookie", &value, &value_size)
               && value_size <= SHOAL_LSD_COOKIE_MAX)
        {
          memcpy (out->cookie, value, value_size);
          out->cookie[value_size] = '\0';
        }
    }

  return out->port != 0 && out->n_hashes > 0;
}

GBytes *
shoal_lsd_message_write (const ShoalLsdMessage *self,
                         ShoalFamily            family)
{
  ShoalAddr group = shoal_lsd_group (family);
  g_autofree char *host = shoal_addr_to_text (&group);
  g_auto (ShoalWriter) out = { 0 };

  g_return_val_if_fail (self != NULL && self->n_hashes <= SHOAL_LSD_READ_MAX, NULL);

  shoal_writer_format (&out, FIRST_LINE "1\r\nHost: %s\r\nPort: %u\r\n", host, self->port);
  for (guint i = 0; i < self->n_hashes; i++)
    {
      shoal_writer_text (&out, "Infohash: ");
      for (guint j = 0; j < SHOAL_SHA1_SIZE; j++)
        shoal_writer_format (&out, "%02x", self->hashes[i].bytes[j]);
      shoal_writer_text (&out, "\r\n");
    }
  if (self->cookie[0] != '\0')
    shoal_writer_format (&out, "cookie: %s\r\n", self->cookie);
  shoal_writer_text (&out, "\r\n\r\n");

  return shoal_writer_steal (&out);
}
