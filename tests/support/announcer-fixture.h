/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An announcer with a hub, timers and a fake host, and what every test does with it. */

#pragma once

#include "fake-host.h"
#include "shoal-announcer.h"

G_BEGIN_DECLS

#define SECOND_US ((gint64) G_USEC_PER_SEC)
#define BEGIN_US  (1000 * SECOND_US)

typedef struct
{
  FakeHost        *host;
  ShoalTimers     *timers;
  ShoalRng         rng;
  ShoalTrackerHub *hub;
  ShoalAnnouncer  *announcer;
  gint64           now_us;
  guint16          port;
  guint64          uploaded;
  guint64          downloaded;
  guint64          left;
  guint            n_peers;
  guint            n_changed;
} AnnouncerFixture;

#define GOOD      "d8:completei3e10:incompletei4e8:intervali1800e12:min intervali600e5:peers6:\x0a\x01\x01\x01\x1a\xe1" "e"
#define NO_MIN    "d8:intervali1800e5:peers0:e"
#define REFUSED   "d14:failure reason6:bannede"
#define QUIET(f)  g_assert_cmpuint ((f)->host->fetches->len, ==, 0)
#define A         "http://10.0.0.1/announce"
#define B         "http://10.0.0.2/announce"
#define C         "http://10.0.0.3/announce"

extern const ShoalAnnouncerOps announcer_fixture_ops;

/* A test with a fixture of its own. */
void     announcer_add        (const char *path, void (*func) (AnnouncerFixture *f,
                               gconstpointer data));
char  ***announcer_make_tiers (const char *text);
char    *announcer_join_tiers (char *const *const *tiers);
void     announcer_make       (AnnouncerFixture *f, const char *text, guint n_keys);
void     announcer_pass       (AnnouncerFixture *f, gint64 us);
void     announcer_expect     (AnnouncerFixture *f, const char *url, const char *event);
gboolean announcer_says       (AnnouncerFixture *f, const char *text);
void     announcer_answer     (AnnouncerFixture *f, const char *body);

G_END_DECLS
