/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The address of a server whose name is asked of our own name servers. */

/*
 * GSocketClient asks a GSocketConnectable for addresses, one after the other. A GNetworkAddress
 * would ask the system's resolver; this one asks a ShoalDnsClient, once, when the first is wanted.
 * A task that waits keeps its enumerator alive, until the answer comes or it is cancelled.
 */

#include "shoal-http-address.h"

struct _ShoalHttpAddress
{
  GNetworkAddress     parent_instance;

  ShoalDnsClient     *dns;
  const ShoalBinding *binding;   /* (nullable) */
  ShoalFamily         family;
};

#define SHOAL_TYPE_HTTP_ADDRESSES (shoal_http_addresses_get_type ())
G_DECLARE_FINAL_TYPE (ShoalHttpAddresses, shoal_http_addresses, SHOAL, HTTP_ADDRESSES,
                      GSocketAddressEnumerator)

struct _ShoalHttpAddresses
{
  GSocketAddressEnumerator parent_instance;

  ShoalHttpAddress *address;
  ShoalDnsCall     *call;      /* (nullable): under way */
  GTask            *task;      /* (nullable): that waits for it */
  GSource          *cancelled; /* (nullable): nobody waits any more */
  gboolean          known;
  GQueue            left;      /* of GSocketAddress (owned) */
  char             *error;     /* (nullable) */
};

static void shoal_http_address_connectable (GSocketConnectableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ShoalHttpAddress, shoal_http_address, G_TYPE_NETWORK_ADDRESS,
                               G_IMPLEMENT_INTERFACE (G_TYPE_SOCKET_CONNECTABLE,
                                                      shoal_http_address_connectable))
G_DEFINE_FINAL_TYPE (ShoalHttpAddresses, shoal_http_addresses, G_TYPE_SOCKET_ADDRESS_ENUMERATOR)

/* --- The enumerator --- */

static void
return_next (ShoalHttpAddresses *self,
             GTask              *task)
{
  if (self->error != NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_HOST_NOT_FOUND, "%s", self->error);
      g_clear_pointer (&self->error, g_free);
    }
  else
    g_task_return_pointer (task, g_queue_pop_head (&self->left), g_object_unref);
}

static void
take_addr (ShoalHttpAddresses *self,
           const ShoalAddr    *addr)
{
  const ShoalHttpAddress *address = self->address;
  g_autoptr(GInetAddress) ip = NULL;
  guint16 port;

  if ((address->family != SHOAL_FAMILY_NONE && address->family != addr->family) ||
      !shoal_binding_check (address->binding, addr->family, NULL))
    return;

  ip = g_inet_address_new_from_bytes (addr->ip, addr->family == SHOAL_FAMILY_IPV6
                                                  ? G_SOCKET_FAMILY_IPV6
                                                  : G_SOCKET_FAMILY_IPV4);
  port = g_network_address_get_port (G_NETWORK_ADDRESS (self->address));
  g_queue_push_tail (&self->left, g_inet_socket_address_new (ip, port));
}

static void
stop_waiting (ShoalHttpAddresses *self)
{
  if (self->cancelled != NULL)
    g_source_destroy (self->cancelled);
  g_clear_pointer (&self->cancelled, g_source_unref);
  g_clear_pointer (&self->call, shoal_dns_call_drop);
}

static gboolean
waiting_cancelled (GCancellable *cancellable,
                   gpointer      user_data)
{
  ShoalHttpAddresses *self = user_data;
  g_autoptr(GTask) task = g_steal_pointer (&self->task);

  stop_waiting (self);
  g_task_return_error_if_cancelled (task);

  return G_SOURCE_REMOVE;
}

static void
dns_answered (const ShoalAddr *addrs,
              guint            n_addrs,
              const char      *error,
              gpointer         user_data)
{
  ShoalHttpAddresses *self = user_data;
  g_autoptr(GTask) task = g_steal_pointer (&self->task);
  const char *host = g_network_address_get_hostname (G_NETWORK_ADDRESS (self->address));

  self->call = NULL;
  stop_waiting (self);
  self->known = TRUE;
  for (guint i = 0; i < n_addrs; i++)
    take_addr (self, &addrs[i]);
  if (error != NULL)
    self->error = g_strdup_printf ("%s: %s", host, error);
  else if (g_queue_is_empty (&self->left))
    self->error = g_strdup_printf ("%s has no address of a kind that can be reached", host);
  return_next (self, task);
}

static void
shoal_http_addresses_next_async (GSocketAddressEnumerator *enumerator,
                                 GCancellable             *cancellable,
                                 GAsyncReadyCallback       callback,
                                 gpointer                  user_data)
{
  ShoalHttpAddresses *self = SHOAL_HTTP_ADDRESSES (enumerator);
  g_autoptr(GTask) task = g_task_new (self, cancellable, callback, user_data);
  const char *host = g_network_address_get_hostname (G_NETWORK_ADDRESS (self->address));
  ShoalAddr numeric;

  if (!self->known && shoal_addr_parse (&numeric, host, 1))
    {
      self->known = TRUE;
      take_addr (self, &numeric);
    }
  if (self->known || self->call != NULL)
    {
      return_next (self, task);
      return;
    }
  if (cancellable != NULL)
    {
      self->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (self->cancelled, G_SOURCE_FUNC (waiting_cancelled), self, NULL);
      g_source_attach (self->cancelled, g_main_context_get_thread_default ());
    }
  self->task = g_steal_pointer (&task);
  self->call = shoal_dns_client_lookup (self->address->dns, host, dns_answered, self);
}

static GSocketAddress *
shoal_http_addresses_next_finish (GSocketAddressEnumerator  *enumerator,
                                  GAsyncResult              *result,
                                  GError                   **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static GSocketAddress *
shoal_http_addresses_next (GSocketAddressEnumerator  *enumerator,
                           GCancellable              *cancellable,
                           GError                   **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "Names are not waited for");

  return NULL;
}

static void
shoal_http_addresses_dispose (GObject *object)
{
  ShoalHttpAddresses *self = SHOAL_HTTP_ADDRESSES (object);

  stop_waiting (self);
  g_queue_clear_full (&self->left, g_object_unref);
  g_clear_pointer (&self->error, g_free);
  g_clear_object (&self->address);
  G_OBJECT_CLASS (shoal_http_addresses_parent_class)->dispose (object);
}

static void
shoal_http_addresses_class_init (ShoalHttpAddressesClass *klass)
{
  GSocketAddressEnumeratorClass *enumerator_class = G_SOCKET_ADDRESS_ENUMERATOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = shoal_http_addresses_dispose;
  enumerator_class->next = shoal_http_addresses_next;
  enumerator_class->next_async = shoal_http_addresses_next_async;
  enumerator_class->next_finish = shoal_http_addresses_next_finish;
}

static void
shoal_http_addresses_init (ShoalHttpAddresses *self)
{
  g_queue_init (&self->left);
}

/* --- The address --- */

static GSocketAddressEnumerator *
shoal_http_address_enumerate (GSocketConnectable *connectable)
{
  ShoalHttpAddresses *addresses = g_object_new (SHOAL_TYPE_HTTP_ADDRESSES, NULL);

  addresses->address = SHOAL_HTTP_ADDRESS (g_object_ref (connectable));

  return G_SOCKET_ADDRESS_ENUMERATOR (addresses);
}

static void
shoal_http_address_connectable (GSocketConnectableIface *iface)
{
  iface->enumerate = shoal_http_address_enumerate;
  iface->proxy_enumerate = shoal_http_address_enumerate;
}

static void
shoal_http_address_class_init (ShoalHttpAddressClass *klass)
{
}

static void
shoal_http_address_init (ShoalHttpAddress *self)
{
}

GSocketConnectable *
shoal_http_address_new (ShoalDnsClient     *dns,
                        const ShoalBinding *binding,
                        ShoalFamily         family,
                        const char         *host,
                        guint16             port)
{
  ShoalHttpAddress *self = g_object_new (SHOAL_TYPE_HTTP_ADDRESS, "hostname", host, "port",
                                         (guint) port, NULL);

  self->dns = dns;
  self->binding = binding;
  self->family = family;

  return G_SOCKET_CONNECTABLE (self);
}
