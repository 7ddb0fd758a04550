/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names to addresses, by the system's resolver or by name servers of the user's choice. */

/*
 * A query under way has a struct of its own, which outlives the query when that is taken back:
 * GResolver calls back in any case, and only then the struct may go.
 */

#include "shoal-resolver.h"

#include <string.h>
#include "shoal-list.h"

struct _ShoalResolver
{
  GMainContext   *context;
  GResolver      *resolver;
  ShoalDnsClient *dns;         /* (nullable) */
  GCancellable   *cancellable;
  ShoalNode       pending;     /* of Pending */
  ShoalLookupFunc answered;
  gpointer        user_data;
};

typedef struct
{
  ShoalNode      node;
  ShoalResolver *resolver;
  ShoalLookup   *query;
  ShoalDnsCall  *call;         /* (nullable): it is not the system that is asked */
} Pending;

ShoalResolver *
shoal_resolver_new (ShoalDnsClient *dns,
                    ShoalLookupFunc answered,
                    gpointer        user_data)
{
  ShoalResolver *self = g_new0 (ShoalResolver, 1);

  self->context = g_main_context_ref_thread_default ();
  self->resolver = g_resolver_get_default ();
  self->dns = dns;
  self->cancellable = g_cancellable_new ();
  shoal_node_init (&self->pending);
  self->answered = answered;
  self->user_data = user_data;

  return self;
}

static void
pending_end (Pending *pending)
{
  ShoalResolver *self = pending->resolver;
  ShoalLookup *query = pending->query;

  shoal_node_unlink (&pending->node);
  g_free (pending);
  self->answered (query, self->user_data);
}

void
shoal_resolver_free (ShoalResolver *self)
{
  if (self == NULL)
    return;

  g_cancellable_cancel (self->cancellable);
  SHOAL_NODE_FOREACH (node, &self->pending)
    {
      Pending *pending = SHOAL_NODE_OWNER (node, Pending, node);

      if (pending->call == NULL)
        continue;
      shoal_dns_call_drop (pending->call);
      pending->query->error = g_strdup ("Shoal is being stopped");
      pending_end (pending);
    }
  while (shoal_node_is_linked (&self->pending))
    g_main_context_iteration (self->context, TRUE);
  g_object_unref (self->cancellable);
  g_object_unref (self->resolver);
  g_main_context_unref (self->context);
  g_free (self);
}

/* FALSE: not an address of a kind that can be dialled. */
static gboolean
make_addr (ShoalAddr    *out,
           GInetAddress *address,
           guint16       port)
{
  const guint8 *bytes = g_inet_address_to_bytes (address);

  switch (g_inet_address_get_family (address))
    {
    case G_SOCKET_FAMILY_IPV4:
      *out = shoal_addr_make (SHOAL_FAMILY_IPV4, bytes, port);
      return TRUE;

    case G_SOCKET_FAMILY_IPV6:
      *out = shoal_addr_make (SHOAL_FAMILY_IPV6, bytes, port);
      return TRUE;

    default:
      return FALSE;
    }
}

static void
lookup_done (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  Pending *pending = user_data;
  ShoalLookup *query = pending->query;
  g_autoptr(GError) error = NULL;
  GList *list = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);

  if (list == NULL)
    query->error = g_strdup (error != NULL ? error->message : "The name has no address");
  else
    {
      query->addrs = g_new0 (ShoalAddr, MIN (g_list_length (list), SHOAL_LOOKUP_MAX));
      for (GList *l = list; l != NULL && query->n_addrs < SHOAL_LOOKUP_MAX; l = l->next)
        {
          if (make_addr (&query->addrs[query->n_addrs], l->data, query->port))
            query->n_addrs++;
        }
      g_resolver_free_addresses (list);
    }

  pending_end (pending);
}

static void
dns_answered (const ShoalAddr *addrs,
              guint            n_addrs,
              const char      *error,
              gpointer         user_data)
{
  Pending *pending = user_data;
  ShoalLookup *query = pending->query;

  query->error = g_strdup (error);
  query->addrs = g_new0 (ShoalAddr, MAX (n_addrs, 1));
  query->n_addrs = n_addrs;
  for (guint i = 0; i < n_addrs; i++)
    {
      query->addrs[i] = addrs[i];
      query->addrs[i].port = query->port;
    }
  pending_end (pending);
}

void
shoal_resolver_lookup (ShoalResolver *self,
                       ShoalLookup   *query)
{
  g_autofree char *bare = NULL;
  g_autoptr(GInetAddress) numeric = NULL;
  gsize size = strlen (query->host);
  ShoalAddr addr;
  Pending *pending;

  if (size > 2 && query->host[0] == '[' && query->host[size - 1] == ']')
    bare = g_strndup (query->host + 1, size - 2);
  numeric = g_inet_address_new_from_string (bare != NULL ? bare : query->host);
  if (numeric != NULL && make_addr (&addr, numeric, query->port))
    {
      query->addrs = g_memdup2 (&addr, sizeof addr);
      query->n_addrs = 1;
      self->answered (query, self->user_data);
      return;
    }
  if (size == 0 || !g_utf8_validate (query->host, -1, NULL))
    {
      query->error = g_strdup ("Not a name");
      self->answered (query, self->user_data);
      return;
    }

  pending = g_new0 (Pending, 1);
  pending->resolver = self;
  pending->query = query;
  shoal_node_init (&pending->node);
  shoal_node_append (&self->pending, &pending->node);
  if (self->dns != NULL && !shoal_dns_client_is_idle (self->dns))
    {
      pending->call = shoal_dns_client_lookup (self->dns, query->host, dns_answered, pending);
      return;
    }
  g_resolver_lookup_by_name_async (self->resolver, query->host, self->cancellable,
                                   lookup_done, pending);
}
