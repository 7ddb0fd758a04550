/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An announcer with a hub, timers and a fake host, and what every test does with it. */

#include "announcer-fixture.h"

#include <string.h>

static void
totals (gpointer       owner,
        ShoalAnnounce *announce)
{
  AnnouncerFixture *f = owner;

  memcpy (announce->peer_id.bytes, "-SH0100-abcdefghijkl", SHOAL_PEER_ID_SIZE);
  announce->port = f->port;
  announce->key = 0x1234;
  announce->uploaded = f->uploaded;
  announce->downloaded = f->downloaded;
  announce->left = f->left;
}

static void
peers (gpointer         owner,
       const ShoalSha1 *key,
       const ShoalAddr *addrs,
       guint            n)
{
  AnnouncerFixture *f = owner;

  f->n_peers += n;
}

static void
changed (gpointer owner)
{
  AnnouncerFixture *f = owner;

  f->n_changed++;
}

const ShoalAnnouncerOps announcer_fixture_ops = { totals, peers, changed };

static void
set_up (AnnouncerFixture *f,
        gconstpointer     data)
{
  f->now_us = BEGIN_US;
  f->left = 1000;
  f->port = 6881;
  f->host = fake_host_new (3);
  f->timers = shoal_timers_new ();
  shoal_rng_init (&f->rng, 4);
  f->hub = shoal_tracker_hub_new (&f->host->host, f->timers, &f->rng);
  shoal_tracker_hub_set_now (f->hub, f->now_us);
}

static void
tear_down (AnnouncerFixture *f,
           gconstpointer     data)
{
  shoal_announcer_free (f->announcer);
  shoal_tracker_hub_free (f->hub);
  fake_host_end_all (f->host, f->now_us);
  fake_host_free (f->host);
  g_assert_cmpint (shoal_timers_next (f->timers), ==, SHOAL_NEVER);
  shoal_timers_free (f->timers);
}

void
announcer_add (const char *path,
               void      (*func) (AnnouncerFixture *f, gconstpointer data))
{
  g_test_add (path, AnnouncerFixture, NULL, set_up, func, tear_down);
}

/* @text: tiers separated by "|", trackers by spaces. */
char ***
announcer_make_tiers (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "|", -1);
  char ***tiers = g_new0 (char **, g_strv_length (parts) + 1);

  for (guint i = 0; parts[i] != NULL; i++)
    tiers[i] = g_strsplit (parts[i], " ", -1);

  return tiers;
}

char *
announcer_join_tiers (char *const *const *tiers)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; tiers[i] != NULL; i++)
    {
      g_autofree char *tier = g_strjoinv (" ", (char **) tiers[i]);

      g_string_append_printf (text, "%s%s", i > 0 ? "|" : "", tier);
    }

  return g_string_free (text, FALSE);
}

void
announcer_make (AnnouncerFixture    *f,
                const char *text,
                guint       n_keys)
{
  ShoalSha1 keys[2];
  char ***tiers = announcer_make_tiers (text);

  memset (keys[0].bytes, 'A', sizeof keys[0].bytes);
  memset (keys[1].bytes, 'B', sizeof keys[1].bytes);
  f->announcer = shoal_announcer_new (f->hub, f->timers, &f->rng, keys, n_keys,
                                      (char *const *const *) tiers, &announcer_fixture_ops, f);
  shoal_tiers_free (tiers);
}

void
announcer_pass (AnnouncerFixture *f,
                gint64   us)
{
  gint64 end_us = f->now_us + us;

  while (shoal_timers_next (f->timers) <= end_us)
    {
      f->now_us = MAX (f->now_us, shoal_timers_next (f->timers));
      shoal_tracker_hub_set_now (f->hub, f->now_us);
      shoal_timers_expire (f->timers, f->now_us);
    }
  f->now_us = end_us;
  shoal_tracker_hub_set_now (f->hub, f->now_us);
}

/* The oldest request: asserts that it goes to @url and has @event ("" for none). */
void
announcer_expect (AnnouncerFixture    *f,
                  const char *url,
                  const char *event)
{
  const ShoalFetch *fetch;
  g_autofree char *prefix = g_strconcat (url, "?info_hash=", NULL);
  g_autofree char *text = g_strconcat ("&event=", event, NULL);

  g_assert_cmpuint (f->host->fetches->len, >, 0);
  fetch = g_ptr_array_index (f->host->fetches, 0);
  g_test_message ("%s", fetch->url);
  g_assert_true (g_str_has_prefix (fetch->url, prefix));
  if (event[0] == '\0')
    g_assert_null (strstr (fetch->url, "event="));
  else
    g_assert_nonnull (strstr (fetch->url, text));
}

gboolean
announcer_says (AnnouncerFixture    *f,
                const char *text)
{
  const ShoalFetch *fetch = g_ptr_array_index (f->host->fetches, 0);

  return strstr (fetch->url, text) != NULL;
}

void
announcer_answer (AnnouncerFixture    *f,
                  const char *body)
{
  if (body != NULL)
    fake_host_answer_fetch (f->host, 0, 200, body, strlen (body), NULL, f->now_us);
  else
    fake_host_answer_fetch (f->host, 0, 0, NULL, 0, "refused", f->now_us);
}
