/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A TCP socket of one address family that peers connect to. */

/*
 * Both families have a socket of their own, on the same port: what a dual socket does depends on a
 * setting of the system. A wake-up accepts a bounded number, so that a flood of connections leaves
 * time for those that are there.
 */

#include "shoal-listener.h"

#include <errno.h>

#define ACCEPTS_A_TURN  64
#define PAUSE           G_USEC_PER_SEC   /* after the system ran out of descriptors */

struct _ShoalListener
{
  ShoalWatch        watch;
  ShoalReactor     *reactor;
  GSocket          *socket;
  ShoalListenerFunc accepted;
  gpointer          user_data;
  gboolean          paused;
  gint64            resume_us;   /* of a pause that has been timed; 0: it just began */
};

static void
listener_pause (ShoalListener *self)
{
  self->paused = TRUE;
  self->resume_us = 0;
  if (!shoal_reactor_watch (self->reactor, &self->watch, 0))
    g_debug ("The listener cannot be paused: %s", g_strerror (errno));
}

static void
listener_ready (ShoalWatch *watch,
                guint32     events)
{
  ShoalListener *self = (ShoalListener *) watch;

  for (guint i = 0; i < ACCEPTS_A_TURN; i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(GSocket) socket = g_socket_accept (self->socket, NULL, &error);
      struct sockaddr_storage name;
      socklen_t size = sizeof name;
      ShoalAddr from;

      if (socket == NULL)
        {
          if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
            return;
          /* A peer that is gone again is its own affair; anything else would come back at once. */
          if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
            {
              g_debug ("No connection is accepted for a while: %s", error->message);
              listener_pause (self);
              return;
            }
          continue;
        }

      if (getpeername (g_socket_get_fd (socket), (struct sockaddr *) &name, &size) == 0 &&
          shoal_addr_from_sockaddr (&from, (struct sockaddr *) &name, size))
        self->accepted (g_steal_pointer (&socket), &from, self->user_data);
    }
}

ShoalListener *
shoal_listener_new (ShoalReactor       *reactor,
                    const ShoalBinding *binding,
                    ShoalFamily         family,
                    guint16             port,
                    ShoalListenerFunc   accepted,
                    gpointer            user_data,
                    GError            **error)
{
  ShoalListener *self = g_new0 (ShoalListener, 1);

  self->reactor = reactor;
  self->accepted = accepted;
  self->user_data = user_data;
  self->socket = shoal_socket_watch_new (binding, family, G_SOCKET_TYPE_STREAM, port, reactor,
                                         &self->watch, listener_ready, error);
  if (self->socket == NULL)
    g_clear_pointer (&self, g_free);

  return self;
}

void
shoal_listener_free (ShoalListener *self)
{
  if (self == NULL)
    return;

  shoal_socket_watch_free (self->socket, self->reactor, &self->watch);
  g_free (self);
}

guint16
shoal_listener_port (const ShoalListener *self)
{
  return shoal_socket_port (self->socket);
}

gint64
shoal_listener_resume (ShoalListener *self,
                       gint64         now_us)
{
  if (!self->paused)
    return G_MAXINT64;

  if (self->resume_us == 0)
    self->resume_us = now_us + PAUSE;
  if (now_us < self->resume_us)
    return self->resume_us;

  self->paused = FALSE;
  if (!shoal_reactor_watch (self->reactor, &self->watch, EPOLLIN))
    listener_pause (self);

  return self->paused ? now_us + PAUSE : G_MAXINT64;
}
