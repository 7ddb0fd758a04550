/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an engine asks of the world, each thing handed to who does it. */

#include "shoal-gio-host-private.h"

#include <errno.h>
#include <sys/random.h>

static void
effect_network (ShoalHost          *host,
                const ShoalNetwork *wanted)
{
  ShoalGioHost *self = (ShoalGioHost *) host;

  shoal_gio_network_want (self->network, wanted);
  shoal_conn_set_bbr (self->conns, wanted->bbr);
}

static void
effect_map (ShoalHost *host,
            gboolean   wanted)
{
  ShoalGioHost *self = (ShoalGioHost *) host;

  if (self->mapping != NULL)
    shoal_gio_mapping_want (self->mapping, wanted);
}

static void
effect_dial (ShoalHost       *host,
             ShoalLink       *link,
             const ShoalAddr *to)
{
  ShoalGioHost *self = (ShoalGioHost *) host;
  const char *refusal = shoal_gio_network_refusal (self->network);

  if (self->stopping)
    shoal_conn_refuse (self->conns, link, "Shoal is being stopped");
  else if (refusal != NULL)
    shoal_conn_refuse (self->conns, link, refusal);
  else
    shoal_conn_dial (self->conns, link, to, g_get_monotonic_time ());
}

static void
effect_attend (ShoalHost *host,
               ShoalLink *link)
{
  ShoalConn *conn = shoal_link_host_data (link);

  if (conn != NULL)
    shoal_conn_attend (conn);
}

static void
effect_hang_up (ShoalHost *host,
                ShoalLink *link)
{
  ShoalConn *conn = shoal_link_host_data (link);

  if (conn != NULL)
    shoal_conn_hang_up (conn);
}

static ShoalSendResult
effect_send (ShoalHost       *host,
             const ShoalAddr *to,
             const guint8    *data,
             gsize            size,
             guint            segment,
             ShoalSendFlags   flags)
{
  ShoalGioHost *self = (ShoalGioHost *) host;

  return shoal_gio_network_send (self->network, to, data, size, segment, flags);
}

static void
effect_disk (ShoalHost    *host,
             ShoalDiskJob *job)
{
  ShoalGioHost *self = (ShoalGioHost *) host;

  if (shoal_disk_submit (self->disk, job))
    gio_host_finish (self, &job->done);
}

static void
effect_fetch (ShoalHost  *host,
              ShoalFetch *request)
{
  ShoalGioHost *self = (ShoalGioHost *) host;

  if (self->http != NULL)
    {
      shoal_http_fetch (self->http, request);
      return;
    }
  request->error = g_strdup ("Shoal is being stopped");
  gio_host_finish (self, &request->done);
}

static void
effect_attend_fetch (ShoalHost  *host,
                     ShoalFetch *request)
{
  ShoalGioHost *self = (ShoalGioHost *) host;

  if (self->http != NULL)
    shoal_http_attend (self->http, request);
}

static void
effect_lookup (ShoalHost   *host,
               ShoalLookup *query)
{
  ShoalGioHost *self = (ShoalGioHost *) host;

  if (shoal_gio_network_stand_in (self->network, query))
    {
      gio_host_finish (self, &query->done);
      return;
    }
  if (self->resolver != NULL)
    {
      shoal_resolver_lookup (self->resolver, query);
      return;
    }
  query->error = g_strdup ("Shoal is being stopped");
  gio_host_finish (self, &query->done);
}

static void
effect_save (ShoalHost   *host,
             ShoalResume *record)
{
  ShoalGioHost *self = (ShoalGioHost *) host;

  if (self->store != NULL)
    shoal_resume_store_save (self->store, record);
  else
    shoal_resume_unref (record);
}

static void
effect_keep (ShoalHost *host,
             GBytes    *nodes)
{
  ShoalGioHost *self = (ShoalGioHost *) host;

  if (self->store != NULL)
    shoal_resume_store_keep_nodes (self->store, nodes);
  else
    g_bytes_unref (nodes);
}

static void
effect_tell (ShoalHost  *host,
             ShoalEvent *event)
{
  ShoalGioHost *self = (ShoalGioHost *) host;

  self->tell (event, self->user_data);
}

static void
effect_random (ShoalHost *host,
               guint8    *out,
               gsize      size)
{
  while (size > 0)
    {
      gssize n = getrandom (out, size, 0);

      if (n < 0 && errno != EINTR)
        g_error ("No random bytes: %s", g_strerror (errno));
      if (n > 0)
        {
          out += n;
          size -= (gsize) n;
        }
    }
}

static void
effect_filter (ShoalHost       *host,
               ShoalFilterLoad *load)
{
  ShoalGioHost *self = (ShoalGioHost *) host;

  shoal_filter_loader_load (self->filters, load);
}

/* --- Local peers --- */

static void
local_came (const ShoalAddr *from,
            const guint8    *data,
            gsize            size,
            gpointer         user_data)
{
  ShoalGioHost *self = user_data;

  shoal_engine_local (self->engine, from, data, size);
}

static void
effect_multicast (ShoalHost    *host,
                  ShoalFamily   family,
                  const guint8 *data,
                  gsize         size)
{
  ShoalGioHost *self = (ShoalGioHost *) host;
  ShoalLsdSocket **lsd = &self->lsd[family == SHOAL_FAMILY_IPV6];
  const ShoalBinding *binding = shoal_gio_network_binding (self->network);
  gboolean bound = binding->wanted[0] != '\0';
  g_autoptr(GError) error = NULL;

  if (self->stopping || !shoal_binding_check (binding, family, NULL) ||
      shoal_gio_network_is_hidden (self->network) || (bound && binding->device[0] == '\0'))
    return;
  if (*lsd == NULL)
    *lsd = shoal_lsd_socket_new (self->reactor, family, bound ? binding->device : NULL, local_came,
                                 self, &error);
  if (*lsd != NULL)
    shoal_lsd_socket_send (*lsd, data, size, g_get_monotonic_time ());
  else
    g_debug ("Local peers are not looked for: %s", error->message);
}

const ShoalHostOps gio_host_ops = {
  .network = effect_network,
  .map = effect_map,
  .dial = effect_dial,
  .attend = effect_attend,
  .hang_up = effect_hang_up,
  .send = effect_send,
  .disk = effect_disk,
  .fetch = effect_fetch,
  .attend_fetch = effect_attend_fetch,
  .lookup = effect_lookup,
  .save = effect_save,
  .keep = effect_keep,
  .tell = effect_tell,
  .random = effect_random,
  .filter = effect_filter,
  .multicast = effect_multicast,
};
