/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tracker call's legs: one request to one address, over HTTP or UDP. */

/* A leg begins, may send a second packet or a repeated one, and ends once, in an answer, a timer or
 * the end of an HTTP request; never inside the call that began it. What it brings is merged into
 * its call's answer. Engine thread only. */

#include "shoal-tracker-hub-private.h"
#include "shoal-http-tracker.h"
#include "shoal-udp-tracker.h"

#define SECOND_US          ((gint64) G_USEC_PER_SEC)
#define HTTP_TIMEOUT_S     30u
#define UDP_TRIES          2u                 /* of each packet */
#define UDP_TIMEOUT_US     (15 * SECOND_US)   /* doubled at each try, BEP 15 */
#define UDP_JITTER         0.1                /* of a wait, on top of it */
#define UDP_FULL_US        (SECOND_US / 10)   /* until a full socket is tried again */
#define CONNECTION_US      (60 * SECOND_US)   /* a connection id is good for, BEP 15 */

static const ShoalFamily leg_families[SHOAL_N_TRACKER_LEGS] = { SHOAL_FAMILY_IPV4,
                                                                SHOAL_FAMILY_IPV6 };

static void send_leg (ShoalTrackerLeg *leg);

/* --- Answers --- */

/* A tracker may tell more of one family than of the other. */
static void
merge_counts (GArray       *whole,
              const GArray *counts)
{
  guint n = MIN (whole->len, counts->len);

  for (guint i = 0; i < n; i++)
    {
      ShoalTrackerCount *into = &g_array_index (whole, ShoalTrackerCount, i);
      const ShoalTrackerCount *count = &g_array_index (counts, ShoalTrackerCount, i);

      into->seeds = MAX (into->seeds, count->seeds);
      into->leechers = MAX (into->leechers, count->leechers);
      into->downloaded = MAX (into->downloaded, count->downloaded);
    }
  if (n < counts->len)
    g_array_append_vals (whole, &g_array_index (counts, ShoalTrackerCount, n), counts->len - n);
}

static void
merge_answer (ShoalTrackerCall    *self,
              ShoalAnnounceAnswer *answer)
{
  ShoalAnnounceAnswer *whole = &self->answer;

  if (!self->answered || (whole->failure != NULL && answer->failure == NULL))
    {
      if (self->answered)
        shoal_announce_answer_clear (whole);
      *whole = *answer;
      self->answered = TRUE;
      return;
    }

  if (answer->failure == NULL)
    {
      whole->interval_s = MAX (whole->interval_s, answer->interval_s);
      whole->min_interval_s = MAX (whole->min_interval_s, answer->min_interval_s);
      whole->seeds = MAX (whole->seeds, answer->seeds);
      whole->leechers = MAX (whole->leechers, answer->leechers);
      whole->downloaded = MAX (whole->downloaded, answer->downloaded);
      merge_counts (whole->counts, answer->counts);
      if (whole->tracker_id == NULL)
        whole->tracker_id = g_steal_pointer (&answer->tracker_id);
      if (whole->warning == NULL)
        whole->warning = g_steal_pointer (&answer->warning);
      for (guint i = 0; i < answer->peers->len; i++)
        shoal_announce_answer_add_peer (whole, &g_array_index (answer->peers, ShoalAddr, i));
    }
  shoal_announce_answer_clear (answer);
}

static void
leg_end (ShoalTrackerLeg *leg)
{
  ShoalTrackerHub *hub = leg->call->hub;

  shoal_timers_disarm (hub->timers, &leg->timer);
  if (leg->transaction != 0)
    g_hash_table_remove (hub->transactions, GUINT_TO_POINTER (leg->transaction));
  leg->transaction = 0;
  leg->state = SHOAL_LEG_ENDED;
}

/* Takes over @answer. */
static void
leg_answered (ShoalTrackerLeg     *leg,
              ShoalAnnounceAnswer *answer)
{
  leg->worked = TRUE;
  leg_end (leg);
  merge_answer (leg->call, answer);
  shoal_tracker_leg_ended (leg);
}

static void
leg_failed (ShoalTrackerLeg *leg,
            const char      *error)
{
  leg_end (leg);
  if (leg->call->error == NULL)
    leg->call->error = g_strdup (error);
  shoal_tracker_leg_ended (leg);
}

/* --- HTTP --- */

static void
fetch_done_cb (ShoalDone *done,
               gint64     now_us)
{
  ShoalFetch *fetch = (ShoalFetch *) done;
  ShoalTrackerLeg *leg = done->owner;
  g_autoptr (GError) error = NULL;
  ShoalAnnounceAnswer answer;
  gboolean parsed = FALSE;

  if (leg == NULL)
    {
      shoal_fetch_free (fetch);
      return;
    }

  shoal_tracker_hub_set_now (leg->call->hub, now_us);
  leg->fetch = NULL;
  if (fetch->body != NULL)
    {
      gsize size;
      const guint8 *bytes = g_bytes_get_data (fetch->body, &size);

      if (leg->call->hashes != NULL)
        parsed = shoal_http_tracker_parse_scrape (&answer, leg->call->hashes, leg->call->n_hashes,
                                                  bytes, size, &error);
      else
        parsed = shoal_http_tracker_parse_announce (&answer, bytes, size, &error);
    }

  /* Some trackers refuse with an error of HTTP and the reason in the body. */
  if (parsed && (fetch->status < 400 || answer.failure != NULL))
    {
      shoal_fetch_free (fetch);
      leg_answered (leg, &answer);
      return;
    }
  if (parsed)
    shoal_announce_answer_clear (&answer);

  if (fetch->status >= 400)
    {
      g_autofree char *text = g_strdup_printf ("HTTP error %u", fetch->status);

      leg_failed (leg, text);
    }
  else if (fetch->error != NULL)
    leg_failed (leg, fetch->error);
  else
    leg_failed (leg, error != NULL ? error->message : "No answer");
  shoal_fetch_free (fetch);
}

static void
begin_http (ShoalTrackerLeg *leg)
{
  ShoalTrackerCall *call = leg->call;
  g_autofree char *url = NULL;

  if (call->hashes != NULL)
    url = shoal_http_tracker_scrape_url (call->url, call->hashes, call->n_hashes);
  else
    url = shoal_http_tracker_announce_url (call->url, &call->announce);
  leg->fetch = shoal_fetch_new (SHOAL_FETCH_TRACKER, url);
  leg->fetch->done.func = fetch_done_cb;
  leg->fetch->done.owner = leg;
  leg->fetch->family = leg_families[leg->index];
  leg->fetch->max_size = SHOAL_TRACKER_ANSWER_MAX;
  leg->fetch->timeout_s = HTTP_TIMEOUT_S;
  leg->state = SHOAL_LEG_HTTP;
  leg->told = TRUE;
  call->hub->host->ops->fetch (call->hub->host, leg->fetch);
}

/* --- UDP --- */

/* A new transaction: answers to earlier packets of this leg are not heard any more. */
static void
enter_udp (ShoalTrackerLeg      *leg,
           ShoalTrackerLegState  state)
{
  ShoalTrackerHub *hub = leg->call->hub;

  if (leg->transaction != 0)
    g_hash_table_remove (hub->transactions, GUINT_TO_POINTER (leg->transaction));
  do
    hub->host->ops->random (hub->host, (guint8 *) &leg->transaction, sizeof leg->transaction);
  while (leg->transaction == 0
         || g_hash_table_contains (hub->transactions, GUINT_TO_POINTER (leg->transaction)));
  g_hash_table_insert (hub->transactions, GUINT_TO_POINTER (leg->transaction), leg);
  leg->state = state;
  leg->tries = 0;
}

static void
begin_udp (ShoalTrackerLeg *leg)
{
  ShoalTrackerServer *server = leg->call->server;
  gboolean connected = server->connected_until_us[leg->index] > leg->call->hub->now_us;

  enter_udp (leg, connected ? SHOAL_LEG_ANNOUNCE : SHOAL_LEG_CONNECT);
  send_leg (leg);
}

static void
leg_timer_cb (gpointer owner,
              gint64   now_us)
{
  ShoalTrackerLeg *leg = owner;

  shoal_tracker_hub_set_now (leg->call->hub, now_us);
  if (leg->tries >= UDP_TRIES)
    {
      leg_failed (leg, "No answer");
      return;
    }
  if (leg->state == SHOAL_LEG_ANNOUNCE
      && leg->call->server->connected_until_us[leg->index] <= now_us)
    enter_udp (leg, SHOAL_LEG_CONNECT);
  send_leg (leg);
}

/* Only arms timers and sends: whatever goes wrong is heard by the timer. */
static void
send_leg (ShoalTrackerLeg *leg)
{
  ShoalTrackerCall *call = leg->call;
  ShoalTrackerHub *hub = call->hub;
  ShoalTrackerServer *server = call->server;
  guint8 packet[SHOAL_UDP_TRACKER_PACKET_MAX];
  gint64 wait_us = UDP_TIMEOUT_US << leg->tries;
  gsize size;

  if (leg->state == SHOAL_LEG_CONNECT)
    size = shoal_udp_tracker_write_connect (packet, leg->transaction);
  else if (call->hashes != NULL)
    size = shoal_udp_tracker_write_scrape (packet,
                                           server->connections[leg->index],
                                           leg->transaction,
                                           call->hashes,
                                           call->n_hashes);
  else
    size = shoal_udp_tracker_write_announce (packet,
                                             server->connections[leg->index],
                                             leg->transaction,
                                             &call->announce,
                                             call->path);

  switch (hub->host->ops->send (hub->host, &server->addrs[leg->index], packet, size, 0,
                                SHOAL_SEND_PLAIN))
    {
    case SHOAL_SEND_SENT:
      leg->told |= leg->state == SHOAL_LEG_ANNOUNCE;
      leg->tries++;
      break;
    case SHOAL_SEND_FULL:
      wait_us = UDP_FULL_US;
      break;
    case SHOAL_SEND_FAILED:
    default:
      leg->tries = UDP_TRIES;
      wait_us = 0;
      break;
    }
  /* Many torrents ask one tracker at once; they need not repeat themselves at once. */
  wait_us += (gint64) ((double) wait_us * UDP_JITTER * shoal_rng_unit (hub->rng));
  shoal_timers_arm (hub->timers, &leg->timer, hub->now_us + wait_us);
}

static void
heard_connect (ShoalTrackerLeg *leg,
               const guint8    *data,
               gsize            size)
{
  ShoalTrackerHub *hub = leg->call->hub;
  ShoalTrackerServer *server = leg->call->server;
  guint64 connection;

  if (!shoal_udp_tracker_parse_connect (data, size, &connection))
    return;

  server->connections[leg->index] = connection;
  server->connected_until_us[leg->index] = hub->now_us + CONNECTION_US;
  leg->fresh = TRUE;
  enter_udp (leg, SHOAL_LEG_ANNOUNCE);
  send_leg (leg);
}

static void
heard_error (ShoalTrackerLeg *leg,
             const guint8    *data,
             gsize            size)
{
  ShoalAnnounceAnswer answer;

  /* A tracker that was started anew does not know the connection ids it gave. */
  if (leg->state == SHOAL_LEG_ANNOUNCE && !leg->fresh)
    {
      leg->call->server->connected_until_us[leg->index] = 0;
      enter_udp (leg, SHOAL_LEG_CONNECT);
      send_leg (leg);
      return;
    }
  if (shoal_udp_tracker_parse_error (&answer, data, size))
    leg_answered (leg, &answer);
}

/* --- Public --- */

void
shoal_tracker_leg_init (ShoalTrackerLeg  *leg,
                        ShoalTrackerCall *call,
                        guint             index)
{
  leg->call = call;
  leg->index = index;
  shoal_timer_init (&leg->timer, leg_timer_cb, leg);
}

void
shoal_tracker_leg_clear (ShoalTrackerLeg *leg)
{
  leg_end (leg);
  if (leg->fetch != NULL)
    leg->fetch->done.owner = NULL;
  leg->fetch = NULL;
}

void
shoal_tracker_leg_begin (ShoalTrackerLeg *leg)
{
  if (leg->call->is_udp)
    begin_udp (leg);
  else
    begin_http (leg);
}

gboolean
shoal_tracker_hub_datagram (ShoalTrackerHub *self,
                            const ShoalAddr *from,
                            const guint8    *data,
                            gsize            size)
{
  ShoalUdpTrackerAction action;
  ShoalAnnounceAnswer answer;
  guint32 transaction;
  ShoalTrackerLeg *leg;

  g_return_val_if_fail (self != NULL && from != NULL, FALSE);

  if (!shoal_udp_tracker_peek (data, size, &action, &transaction))
    return FALSE;
  leg = g_hash_table_lookup (self->transactions, GUINT_TO_POINTER (transaction));
  if (leg == NULL || !shoal_addr_equal (&leg->call->server->addrs[leg->index], from))
    return FALSE;

  if (action == SHOAL_UDP_TRACKER_ERROR)
    heard_error (leg, data, size);
  else if (action == SHOAL_UDP_TRACKER_CONNECT && leg->state == SHOAL_LEG_CONNECT)
    heard_connect (leg, data, size);
  else if (action == SHOAL_UDP_TRACKER_SCRAPE && leg->state == SHOAL_LEG_ANNOUNCE
           && leg->call->hashes != NULL
           && shoal_udp_tracker_parse_scrape (&answer, leg->call->n_hashes, data, size))
    leg_answered (leg, &answer);
  else if (action == SHOAL_UDP_TRACKER_ANNOUNCE && leg->state == SHOAL_LEG_ANNOUNCE
           && leg->call->hashes == NULL
           && shoal_udp_tracker_parse_announce (&answer, leg_families[leg->index], data, size))
    leg_answered (leg, &answer);

  return TRUE;
}

