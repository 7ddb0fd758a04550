/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A host that does nothing but remember what it was asked for, so that a test can look at it and
 * answer. */

#include "fake-host.h"
#include "shoal-mail.h"
#include "shoal-resume.h"

static FakeHost *
fake (ShoalHost *host)
{
  return (FakeHost *) host;
}

static void
fake_network (ShoalHost          *host,
              const ShoalNetwork *wanted)
{
  fake (host)->network = *wanted;
}

static void
fake_map (ShoalHost *host,
          gboolean   wanted)
{
  fake (host)->map = wanted;
}

static void
fake_dial (ShoalHost       *host,
           ShoalLink       *link,
           const ShoalAddr *to)
{
  FakeDial dial = { link, *to };

  g_array_append_val (fake (host)->dials, dial);
}

static void
fake_attend (ShoalHost *host,
             ShoalLink *link)
{
  g_ptr_array_add (fake (host)->attended, link);
}

static void
fake_hang_up (ShoalHost *host,
              ShoalLink *link)
{
  g_ptr_array_add (fake (host)->hung_up, link);
}

static ShoalSendResult
fake_send (ShoalHost       *host,
           const ShoalAddr *to,
           const guint8    *data,
           gsize            size,
           guint            segment,
           ShoalSendFlags   flags)
{
  FakeHost *self = fake (host);

  if (segment == 0)
    segment = (guint) size;
  for (gsize at = 0; at < size && self->send_result == SHOAL_SEND_SENT; at += segment)
    {
      FakeDatagram datagram = { *to, g_bytes_new (data + at, MIN (segment, size - at)), flags };

      g_array_append_val (self->datagrams, datagram);
    }

  return self->send_result;
}

static void
fake_disk (ShoalHost    *host,
           ShoalDiskJob *job)
{
  g_ptr_array_add (fake (host)->jobs, job);
}

static void
fake_fetch (ShoalHost  *host,
            ShoalFetch *request)
{
  g_ptr_array_add (fake (host)->fetches, request);
}

static void
fake_attend_fetch (ShoalHost  *host,
                   ShoalFetch *request)
{
  g_ptr_array_add (fake (host)->attended_fetches, request);
}

static void
fake_lookup (ShoalHost   *host,
             ShoalLookup *query)
{
  g_ptr_array_add (fake (host)->lookups, query);
}

static void
fake_keep (ShoalHost *host,
           GBytes    *nodes)
{
  FakeHost *self = (FakeHost *) host;

  g_clear_pointer (&self->kept, g_bytes_unref);
  self->kept = nodes;
}

static void
fake_save (ShoalHost   *host,
           ShoalResume *record)
{
  g_ptr_array_add (fake (host)->records, record);
}

static void
fake_tell (ShoalHost  *host,
           ShoalEvent *event)
{
  g_ptr_array_add (fake (host)->events, event);
}

static void
fake_random (ShoalHost *host,
             guint8    *out,
             gsize      size)
{
  shoal_rng_bytes (&fake (host)->rng, out, size);
}

static void
fake_filter (ShoalHost       *host,
             ShoalFilterLoad *load)
{
  g_ptr_array_add (fake (host)->filters, load);
}

static void
fake_multicast (ShoalHost    *host,
                ShoalFamily   family,
                const guint8 *data,
                gsize         size)
{
  FakeHost *self = fake (host);

  if (family != SHOAL_FAMILY_IPV4)
    return;
  self->n_multicasts++;
  g_clear_pointer (&self->multicast, g_bytes_unref);
  self->multicast = g_bytes_new (data, size);
}

static void
datagram_clear (gpointer data)
{
  FakeDatagram *datagram = data;

  g_clear_pointer (&datagram->bytes, g_bytes_unref);
}

FakeHost *
fake_host_new (guint64 seed)
{
  static const ShoalHostOps ops = {
    fake_network, fake_map,    fake_dial,         fake_attend,    fake_hang_up, fake_send,
    fake_disk,    fake_fetch,  fake_attend_fetch, fake_lookup,    fake_save,    fake_keep,
    fake_tell,    fake_random, fake_filter,       fake_multicast,
  };
  FakeHost *self = g_new0 (FakeHost, 1);

  self->host.ops = &ops;
  self->filters = g_ptr_array_new ();
  self->fetches = g_ptr_array_new ();
  self->attended_fetches = g_ptr_array_new ();
  self->lookups = g_ptr_array_new ();
  self->jobs = g_ptr_array_new ();
  self->records = g_ptr_array_new_with_free_func ((GDestroyNotify) shoal_resume_unref);
  self->events = g_ptr_array_new_with_free_func ((GDestroyNotify) shoal_event_free);
  self->datagrams = g_array_new (FALSE, FALSE, sizeof (FakeDatagram));
  g_array_set_clear_func (self->datagrams, datagram_clear);
  self->dials = g_array_new (FALSE, FALSE, sizeof (FakeDial));
  self->attended = g_ptr_array_new ();
  self->hung_up = g_ptr_array_new ();
  shoal_rng_init (&self->rng, seed);

  return self;
}

void
fake_host_free (FakeHost *self)
{
  if (self == NULL)
    return;

  g_assert_cmpuint (self->fetches->len, ==, 0);
  g_assert_cmpuint (self->lookups->len, ==, 0);
  g_assert_cmpuint (self->jobs->len, ==, 0);
  g_assert_cmpuint (self->filters->len, ==, 0);
  g_clear_pointer (&self->filters, g_ptr_array_unref);
  g_clear_pointer (&self->fetches, g_ptr_array_unref);
  g_clear_pointer (&self->attended_fetches, g_ptr_array_unref);
  g_clear_pointer (&self->lookups, g_ptr_array_unref);
  g_clear_pointer (&self->jobs, g_ptr_array_unref);
  g_clear_pointer (&self->records, g_ptr_array_unref);
  g_clear_pointer (&self->kept, g_bytes_unref);
  g_clear_pointer (&self->events, g_ptr_array_unref);
  g_clear_pointer (&self->datagrams, g_array_unref);
  g_clear_pointer (&self->dials, g_array_unref);
  g_clear_pointer (&self->attended, g_ptr_array_unref);
  g_clear_pointer (&self->hung_up, g_ptr_array_unref);
  g_clear_pointer (&self->multicast, g_bytes_unref);
  g_free (self);
}

void
fake_host_answer_fetch (FakeHost   *self,
                        guint       index,
                        guint       status,
                        const void *body,
                        gsize       size,
                        const char *error,
                        gint64      now_us)
{
  ShoalFetch *fetch;

  g_assert_cmpuint (index, <, self->fetches->len);
  fetch = g_ptr_array_remove_index (self->fetches, index);
  fetch->status = status;
  if (body != NULL)
    fetch->body = g_bytes_new (body, size);
  fetch->error = g_strdup (error);
  fetch->done.func (&fetch->done, now_us);
}

void
fake_host_answer_lookup (FakeHost   *self,
                         guint       index,
                         const char *addrs,
                         gint64      now_us)
{
  g_auto (GStrv) texts = g_strsplit (addrs, " ", -1);
  ShoalLookup *lookup;

  g_assert_cmpuint (index, <, self->lookups->len);
  lookup = g_ptr_array_remove_index (self->lookups, index);
  lookup->addrs = g_new0 (ShoalAddr, g_strv_length (texts) + 1);
  for (guint i = 0; texts[i] != NULL && texts[i][0] != '\0'; i++)
    g_assert_true (shoal_addr_parse (&lookup->addrs[lookup->n_addrs++], texts[i], lookup->port));
  if (lookup->n_addrs == 0)
    lookup->error = g_strdup ("no such name");
  lookup->done.func (&lookup->done, now_us);
}

GBytes *
fake_host_take_datagram (FakeHost  *self,
                         ShoalAddr *to)
{
  GBytes *bytes;

  g_assert_cmpuint (self->datagrams->len, >, 0);
  bytes = g_bytes_ref (g_array_index (self->datagrams, FakeDatagram, 0).bytes);
  if (to != NULL)
    *to = g_array_index (self->datagrams, FakeDatagram, 0).to;
  g_array_remove_index (self->datagrams, 0);

  return bytes;
}

/* The first that is to be ended; G_MAXUINT: none. */
static guint
find_ending (FakeHost *self)
{
  for (guint i = 0; i < self->fetches->len; i++)
    if (!self->keeps_seeds
        || ((ShoalFetch *) g_ptr_array_index (self->fetches, i))->use != SHOAL_FETCH_SEED)
      return i;

  return G_MAXUINT;
}

void
fake_host_end_all (FakeHost *self,
                   gint64    now_us)
{
  for (guint i = find_ending (self); i != G_MAXUINT || self->lookups->len > 0;
       i = find_ending (self))
    {
      if (i != G_MAXUINT)
        fake_host_answer_fetch (self, i, 0, NULL, 0, "ended", now_us);
      else
        fake_host_answer_lookup (self, 0, "", now_us);
    }
}
