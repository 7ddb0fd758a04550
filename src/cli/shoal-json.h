/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes JSON on one line in ASCII, straight to a stream. */

#pragma once

#include <glib.h>
#include <stdio.h>

G_BEGIN_DECLS

#define SHOAL_JSON_DEPTH_MAX 16

/**
 * ShoalJson:
 *
 * Commas are put where they belong. Inside of an object every value has a @name, elsewhere it is
 * %NULL.
 */
typedef struct
{
  FILE    *out;
  guint    depth;
  gboolean more[SHOAL_JSON_DEPTH_MAX];   /* the object or list has a member already */
} ShoalJson;

void shoal_json_init   (ShoalJson *self, FILE *out);
void shoal_json_begin  (ShoalJson *self, const char *name, char bracket);    /* '{' or '[' */
void shoal_json_end    (ShoalJson *self, char bracket);                      /* '}' or ']' */
/* %NULL: null; what is not UTF-8 becomes U+FFFD */
void shoal_json_string (ShoalJson *self, const char *name, const char *value);
void shoal_json_u64    (ShoalJson *self, const char *name, guint64 value);
void shoal_json_i64    (ShoalJson *self, const char *name, gint64 value);
void shoal_json_double (ShoalJson *self, const char *name, double value);
void shoal_json_bool   (ShoalJson *self, const char *name, gboolean value);
void shoal_json_null   (ShoalJson *self, const char *name);
/* The end of the line; it is written out. */
void shoal_json_finish (ShoalJson *self);

G_END_DECLS
