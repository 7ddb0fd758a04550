/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON on one line, in ASCII, whatever the strings hold. */

#include "shoal-json.h"

#include <stdlib.h>

static void
test_line (void)
{
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream (&text, &size);
  ShoalJson json;

  shoal_json_init (&json, out);
  shoal_json_begin (&json, NULL, '{');
  shoal_json_string (&json, "s", "a\"b\\c\n\x7f\xc3\xbc\xf0\x9f\x90\x9f\xff" "e");
  shoal_json_string (&json, "n", NULL);
  shoal_json_begin (&json, "l", '[');
  shoal_json_u64 (&json, NULL, G_MAXUINT64);
  shoal_json_i64 (&json, NULL, -5);
  shoal_json_begin (&json, NULL, '[');
  shoal_json_end (&json, ']');
  shoal_json_begin (&json, NULL, '{');
  shoal_json_end (&json, '}');
  shoal_json_end (&json, ']');
  shoal_json_double (&json, "d", 0.5);
  shoal_json_bool (&json, "t", TRUE);
  shoal_json_bool (&json, "f", FALSE);
  shoal_json_null (&json, "z");
  shoal_json_end (&json, '}');
  shoal_json_finish (&json);
  shoal_json_begin (&json, NULL, '[');
  shoal_json_end (&json, ']');
  shoal_json_finish (&json);
  fclose (out);

  g_assert_cmpstr (text, ==,
                   "{\"s\":\"a\\\"b\\\\c\\u000a\\u007f\\u00fc\\ud83d\\udc1f\\ufffde\",\"n\":null,"
                   "\"l\":[18446744073709551615,-5,[],{}],\"d\":0.5,\"t\":true,\"f\":false,\"z\":null}\n[]\n");
  free (text);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cli/json/line", test_line);
  return g_test_run ();
}
