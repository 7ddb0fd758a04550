/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes JSON on one line in ASCII, straight to a stream. */

#include "shoal-json.h"

/* Nothing is gathered in memory: a torrent of a million files is shown in the space of one. */

void
shoal_json_init (ShoalJson *self,
                 FILE      *out)
{
  *self = (ShoalJson){ .out = out };
}

static void
write_string (ShoalJson  *self,
              const char *text)
{
  putc ('"', self->out);
  while (*text != '\0')
    {
      gunichar c = g_utf8_get_char_validated (text, -1);

      if (c == (gunichar) -1 || c == (gunichar) -2)
        {
          c = 0xfffd;
          text++;
        }
      else
        {
          text = g_utf8_next_char (text);
        }

      if (c == '"' || c == '\\')
        fprintf (self->out, "\\%c", (char) c);
      else if (c >= 0x20 && c < 0x7f)
        putc ((int) c, self->out);
      else if (c < 0x10000)
        fprintf (self->out, "\\u%04x", c);
      else
        fprintf (self->out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                 0xdc00 + ((c - 0x10000) & 0x3ff));
    }
  putc ('"', self->out);
}

static void
before_value (ShoalJson  *self,
              const char *name)
{
  if (self->more[self->depth])
    putc (',', self->out);
  self->more[self->depth] = TRUE;

  if (name != NULL)
    {
      write_string (self, name);
      putc (':', self->out);
    }
}

void
shoal_json_begin (ShoalJson  *self,
                  const char *name,
                  char        bracket)
{
  g_return_if_fail (self->depth + 1 < SHOAL_JSON_DEPTH_MAX);

  before_value (self, name);
  putc (bracket, self->out);
  self->more[++self->depth] = FALSE;
}

void
shoal_json_end (ShoalJson *self,
                char       bracket)
{
  g_return_if_fail (self->depth > 0);

  self->depth--;
  putc (bracket, self->out);
}

void
shoal_json_string (ShoalJson  *self,
                   const char *name,
                   const char *value)
{
  before_value (self, name);
  if (value != NULL)
    write_string (self, value);
  else
    fputs ("null", self->out);
}

void
shoal_json_u64 (ShoalJson  *self,
                const char *name,
                guint64     value)
{
  before_value (self, name);
  fprintf (self->out, "%" G_GUINT64_FORMAT, value);
}

void
shoal_json_i64 (ShoalJson  *self,
                const char *name,
                gint64      value)
{
  before_value (self, name);
  fprintf (self->out, "%" G_GINT64_FORMAT, value);
}

void
shoal_json_double (ShoalJson  *self,
                   const char *name,
                   double      value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  before_value (self, name);
  /* The user's locale must not put a comma into it. */
  fputs (g_ascii_formatd (text, sizeof text, "%.6g", value), self->out);
}

void
shoal_json_bool (ShoalJson  *self,
                 const char *name,
                 gboolean    value)
{
  before_value (self, name);
  fputs (value ? "true" : "false", self->out);
}

void
shoal_json_null (ShoalJson  *self,
                 const char *name)
{
  before_value (self, name);
  fputs ("null", self->out);
}

void
shoal_json_finish (ShoalJson *self)
{
  putc ('\n', self->out);
  fflush (self->out);
  self->more[0] = FALSE;
}
