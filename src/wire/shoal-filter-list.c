/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of addresses that are not wanted, as they are handed around: P2P text, DAT and CIDR. */

/* Half a million lines have to be read in a fraction of a second, so numbers are read where they
 * lie and nothing is copied but the rare IPv6 address. Pure functions, any thread. */

#include "shoal-filter-list.h"

#include <string.h>
#include "shoal-error.h"

#define LEVEL_ALLOWED 127u   /* DAT: lines above it do not block */
#define IP6_TEXT_MAX  45u
#define COLONS_MAX    64u    /* places in a line where an IPv6 address may begin */

typedef struct
{
  const char *at;
  const char *end;
} Cursor;

static void
skip_blanks (Cursor *self)
{
  while (self->at < self->end && (*self->at == ' ' || *self->at == '\t'))
    self->at++;
}

static gboolean
skip_char (Cursor *self,
           char    wanted)
{
  if (self->at >= self->end || *self->at != wanted)
    return FALSE;
  self->at++;

  return TRUE;
}

static gboolean
read_number (Cursor *self,
             guint   max,
             guint  *out)
{
  const char *begin = self->at;
  guint value = 0;

  while (self->at < self->end && g_ascii_isdigit (*self->at) && self->at - begin < 5)
    value = value * 10 + (guint) (*self->at++ - '0');
  *out = value;

  return self->at > begin && value <= max;
}

/* Leading zeros do not make it octal. */
static gboolean
read_ip4 (Cursor  *self,
          guint32 *out)
{
  guint32 ip = 0;

  for (guint i = 0; i < 4; i++)
    {
      guint octet;

      if ((i > 0 && !skip_char (self, '.')) || !read_number (self, 255, &octet))
        return FALSE;
      ip = ip << 8 | octet;
    }
  *out = ip;

  return TRUE;
}

ShoalIp6
shoal_ip6_of_addr (const ShoalAddr *addr)
{
  ShoalIp6 ip = { 0, 0 };

  for (guint i = 0; i < 8; i++)
    {
      ip.high = ip.high << 8 | addr->ip[i];
      ip.low = ip.low << 8 | addr->ip[8 + i];
    }

  return ip;
}

static gboolean
is_ip6_char (char c)
{
  return g_ascii_isxdigit (c) || c == ':' || c == '.';
}

static gboolean
read_ip6 (Cursor   *self,
          ShoalIp6 *out)
{
  char text[IP6_TEXT_MAX + 1];
  const char *at = self->at;
  gsize size = 0;
  ShoalAddr addr;

  while (at < self->end && is_ip6_char (*at) && size < IP6_TEXT_MAX)
    text[size++] = *at++;
  text[size] = '\0';
  if (size < 2 || memchr (text, ':', size) == NULL || !shoal_addr_parse (&addr, text, 1)
      || addr.family != SHOAL_FAMILY_IPV6)
    return FALSE;
  self->at = at;
  *out = shoal_ip6_of_addr (&addr);

  return TRUE;
}

/* What follows the first address: "- last", "/bits", or nothing. */
typedef enum { TAIL_BAD, TAIL_LAST, TAIL_BITS, TAIL_NONE } Tail;

static Tail
read_tail (Cursor *self,
           guint   max_bits,
           guint  *bits)
{
  if (skip_char (self, '/'))
    return read_number (self, max_bits, bits) ? TAIL_BITS : TAIL_BAD;
  skip_blanks (self);
  if (skip_char (self, '-'))
    {
      skip_blanks (self);
      return TAIL_LAST;
    }

  return TAIL_NONE;
}

/* The end of a line: blanks, a comment, or ", level, name" of DAT. FALSE: something else stands
 * there. */
static gboolean
read_end (Cursor   *self,
          gboolean *allowed)
{
  guint level;

  *allowed = FALSE;
  skip_blanks (self);
  if (self->at >= self->end || *self->at == '#' || *self->at == ';')
    return TRUE;
  if (!skip_char (self, ','))
    return FALSE;
  skip_blanks (self);
  *allowed = read_number (self, 99999, &level) && level > LEVEL_ALLOWED;

  return TRUE;
}

static gboolean
read_four (ShoalFilterList *self,
           Cursor           cursor)
{
  ShoalRange4 range;
  gboolean allowed;
  guint bits;

  if (!read_ip4 (&cursor, &range.first))
    return FALSE;
  range.last = range.first;
  switch (read_tail (&cursor, 32, &bits))
    {
    case TAIL_LAST:
      if (!read_ip4 (&cursor, &range.last))
        return FALSE;
      break;

    case TAIL_BITS:
      range.first &= bits == 0 ? 0 : G_MAXUINT32 << (32 - bits);
      range.last = range.first | (bits == 32 ? 0 : G_MAXUINT32 >> bits);
      break;

    case TAIL_NONE:
      break;

    case TAIL_BAD:
    default:
      return FALSE;
    }
  if (!read_end (&cursor, &allowed) || range.first > range.last)
    return FALSE;
  if (!allowed)
    g_array_append_val (self->four, range);

  return TRUE;
}

static guint64
mask64 (guint bits)
{
  return bits == 0 ? 0 : G_MAXUINT64 << (64 - MIN (bits, 64));
}

static gboolean
read_six (ShoalFilterList *self,
          Cursor           cursor,
          gboolean         named)
{
  ShoalRange6 range;
  gboolean allowed;
  guint bits;

  if (!read_ip6 (&cursor, &range.first))
    return FALSE;
  range.last = range.first;
  switch (read_tail (&cursor, 128, &bits))
    {
    case TAIL_LAST:
      if (!read_ip6 (&cursor, &range.last))
        return FALSE;
      break;

    case TAIL_BITS:
      range.first.high &= mask64 (MIN (bits, 64));
      range.first.low &= mask64 (bits > 64 ? bits - 64 : 0);
      range.last.high = range.first.high | ~mask64 (MIN (bits, 64));
      range.last.low = range.first.low | ~mask64 (bits > 64 ? bits - 64 : 0);
      break;

    case TAIL_NONE:
      if (named)
        return FALSE;
      break;

    case TAIL_BAD:
    default:
      return FALSE;
    }
  if (!read_end (&cursor, &allowed) || shoal_ip6_compare (&range.first, &range.last) > 0)
    return FALSE;
  if (!allowed)
    g_array_append_val (self->six, range);

  return TRUE;
}

/* "name:first-last": the name may hold colons, so the range begins behind the last one of IPv4; of
 * IPv6, behind the first one from which on everything is a range. */
static gboolean
read_named (ShoalFilterList *self,
            Cursor           line)
{
  const char *colon = memrchr (line.at, ':', (gsize) (line.end - line.at));
  const char *at = line.at;

  if (colon == NULL)
    return FALSE;
  if (read_four (self, (Cursor){ colon + 1, line.end }))
    return TRUE;
  for (guint i = 0; i < COLONS_MAX; i++)
    {
      at = memchr (at, ':', (gsize) (line.end - at));
      if (at == NULL)
        return FALSE;
      at++;
      if (at < line.end && is_ip6_char (*at) && read_six (self, (Cursor){ at, line.end }, TRUE))
        return TRUE;
    }

  return FALSE;
}

static void
read_line (ShoalFilterList *self,
           Cursor           line)
{
  while (line.end > line.at && g_ascii_isspace (line.end[-1]))
    line.end--;
  skip_blanks (&line);
  if (line.at >= line.end || *line.at == '#' || *line.at == ';'
      || (line.end - line.at >= 2 && memcmp (line.at, "//", 2) == 0))
    return;
  if ((gsize) (line.end - line.at) > SHOAL_FILTER_LINE_MAX
      || !((g_ascii_isdigit (*line.at) && read_four (self, line))
           || (is_ip6_char (*line.at) && read_six (self, line, FALSE)) || read_named (self, line)))
    self->n_bad++;
}

ShoalFilterList *
shoal_filter_list_parse (const char *text,
                         gsize       size,
                         GError    **error)
{
  g_autoptr (ShoalFilterList) self = NULL;
  const char *at = text;
  const char *end = text + size;

  if (size > SHOAL_FILTER_SIZE_MAX)
    {
      g_set_error_literal (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE,
                           "the list of blocked addresses is too large");
      return NULL;
    }
  if (size >= 3 && memcmp (at, "\xef\xbb\xbf", 3) == 0)
    at += 3;

  self = g_new0 (ShoalFilterList, 1);
  self->four = g_array_new (FALSE, FALSE, sizeof (ShoalRange4));
  self->six = g_array_new (FALSE, FALSE, sizeof (ShoalRange6));
  while (at < end)
    {
      const char *newline = memchr (at, '\n', (gsize) (end - at));

      read_line (self, (Cursor){ at, newline != NULL ? newline : end });
      at = newline != NULL ? newline + 1 : end;
      if (self->four->len + self->six->len > SHOAL_FILTER_RANGES_MAX)
        {
          g_set_error_literal (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE,
                               "the list of blocked addresses is too long");
          return NULL;
        }
    }
  if (self->four->len + self->six->len == 0 && self->n_bad > 0)
    {
      g_set_error_literal (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_MALFORMED,
                           "this is no list of addresses");
      return NULL;
    }

  return g_steal_pointer (&self);
}

void
shoal_filter_list_free (ShoalFilterList *self)
{
  if (self == NULL)
    return;

  g_array_unref (self->four);
  g_array_unref (self->six);
  g_free (self);
}
