/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One GSource over one epoll set: every descriptor of the engine's thread, one wake-up for all. */

/*
 * The loop polls one descriptor, the epoll set, however many sockets there are; timers, libsoup
 * and the resolver have their sources beside it. The poll record is changed in place, deadlines
 * are told by prepare(), and the source may recurse (it never does): the calls that GLib has
 * for the first two, and its blocking of a source that is being dispatched, write to its
 * wake-up pipe, which costs a second poll() for each turn.
 *
 * poll() counts milliseconds, rounded up; pacing needs less. A deadline of the next few is kept by
 * a timer descriptor beside the set.
 *
 * A watch may be forgotten while a batch is being handled; its entry in the batch is blanked, so
 * that the owner may free it at once.
 */

#include "shoal-reactor.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NEVER G_MAXINT64
#define FINE  3000   /* microseconds: what is due sooner is not left to poll() */

typedef struct
{
  GSource       base;
  ShoalReactor *reactor;
} ReactorSource;

struct _ShoalReactor
{
  GSource           *source;
  GPollFD            poll;
  GPollFD            clock;           /* wakes for what is due before poll() could tell the time;
                                       * used while armed */
  int                epoll;
  ShoalReactorFunc   turn;
  gpointer           user_data;
  gint64             due_us;          /* of the next turn; 0: at once */
  gint64             deadline_us;     /* of the turn that is under way, like the next */
  gint64             rest_until_us;
  gboolean           in_turn;
  struct epoll_event batch[SHOAL_REACTOR_BATCH];
  guint              n_batch;
};

static gboolean
reactor_source_prepare (GSource *source,
                        int     *timeout_ms)
{
  const ShoalReactor *self = ((ReactorSource *) source)->reactor;
  gint64 left_us;

  if (self->due_us == NEVER)
    {
      *timeout_ms = -1;
      return FALSE;
    }

  left_us = self->due_us - g_source_get_time (source);
  if (left_us <= 0)
    return TRUE;
  if (self->clock.events != 0)
    {
      *timeout_ms = -1;
      return FALSE;
    }
  *timeout_ms = (int) MIN ((left_us + 999) / 1000, G_MAXINT);

  return FALSE;
}

static gboolean
reactor_source_check (GSource *source)
{
  const ShoalReactor *self = ((ReactorSource *) source)->reactor;

  return (self->poll.revents & self->poll.events) != 0 ||
         (self->clock.revents & self->clock.events) != 0 ||
         self->due_us <= g_source_get_time (source);
}

static void
arm_clock (ShoalReactor *self)
{
  gint64 left_us = self->due_us == NEVER ? NEVER : self->due_us - g_get_monotonic_time ();
  struct itimerspec when = { .it_value = { .tv_sec = self->due_us / G_USEC_PER_SEC,
                                           .tv_nsec = self->due_us % G_USEC_PER_SEC * 1000 } };

  self->clock.events = 0;
  if (left_us > 0 && left_us < FINE &&
      timerfd_settime (self->clock.fd, TFD_TIMER_ABSTIME, &when, NULL) == 0)
    self->clock.events = G_IO_IN;
}

static gboolean
reactor_source_dispatch (GSource     *source,
                         GSourceFunc  callback,
                         gpointer     user_data)
{
  ShoalReactor *self = ((ReactorSource *) source)->reactor;

  g_assert (!self->in_turn);
  self->deadline_us = NEVER;
  self->rest_until_us = 0;
  self->in_turn = TRUE;
  self->turn (self->user_data);
  self->in_turn = FALSE;

  self->due_us = self->deadline_us;
  self->poll.events = G_IO_IN;
  if (self->rest_until_us > 0)
    {
      self->poll.events = 0;
      self->due_us = MIN (self->due_us, self->rest_until_us);
    }
  arm_clock (self);

  return G_SOURCE_CONTINUE;
}

static GSourceFuncs reactor_source_funcs = {
  .prepare = reactor_source_prepare,
  .check = reactor_source_check,
  .dispatch = reactor_source_dispatch,
};

ShoalReactor *
shoal_reactor_new (GMainContext     *context,
                   ShoalReactorFunc  turn,
                   gpointer          user_data)
{
  ShoalReactor *self = g_new0 (ShoalReactor, 1);

  self->due_us = NEVER;
  self->turn = turn;
  self->user_data = user_data;
  self->epoll = epoll_create1 (EPOLL_CLOEXEC);
  if (self->epoll < 0)
    g_error ("No epoll: %s", g_strerror (errno));

  self->clock.fd = timerfd_create (CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (self->clock.fd < 0)
    g_error ("No timer: %s", g_strerror (errno));
  self->poll.fd = self->epoll;
  self->poll.events = G_IO_IN;
  self->source = g_source_new (&reactor_source_funcs, sizeof (ReactorSource));
  ((ReactorSource *) self->source)->reactor = self;
  g_source_set_static_name (self->source, "shoal-reactor");
  g_source_add_poll (self->source, &self->poll);
  g_source_add_poll (self->source, &self->clock);
  g_source_set_can_recurse (self->source, TRUE);
  g_source_attach (self->source, context);

  return self;
}

void
shoal_reactor_free (ShoalReactor *self)
{
  if (self == NULL)
    return;

  g_assert (!self->in_turn);
  g_source_destroy (self->source);
  g_source_unref (self->source);
  close (self->clock.fd);
  close (self->epoll);
  g_free (self);
}

void
shoal_watch_init (ShoalWatch     *watch,
                  int             fd,
                  ShoalWatchFunc  ready)
{
  *watch = (ShoalWatch) { .fd = fd, .ready = ready };
}

gboolean
shoal_reactor_watch (ShoalReactor *self,
                     ShoalWatch   *watch,
                     guint32       events)
{
  struct epoll_event event = { .events = events, .data.ptr = watch };

  if (watch->added && watch->events == events)
    return TRUE;

  if (epoll_ctl (self->epoll, watch->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->fd, &event) < 0)
    return FALSE;
  watch->added = TRUE;
  watch->events = events;

  return TRUE;
}

void
shoal_reactor_forget (ShoalReactor *self,
                      ShoalWatch   *watch)
{
  if (!watch->added)
    return;

  if (epoll_ctl (self->epoll, EPOLL_CTL_DEL, watch->fd, NULL) < 0)
    g_debug ("A descriptor left the set by itself: %s", g_strerror (errno));
  watch->added = FALSE;
  watch->events = 0;

  for (guint i = 0; i < self->n_batch; i++)
    {
      if (self->batch[i].data.ptr == watch)
        self->batch[i].data.ptr = NULL;
    }
}

guint
shoal_reactor_poll (ShoalReactor *self)
{
  int n = epoll_wait (self->epoll, self->batch, SHOAL_REACTOR_BATCH, 0);

  if (n <= 0)
    return 0;

  self->n_batch = (guint) n;
  for (guint i = 0; i < self->n_batch; i++)
    {
      ShoalWatch *watch = self->batch[i].data.ptr;

      if (watch != NULL)
        watch->ready (watch, self->batch[i].events);
    }
  self->n_batch = 0;

  return (guint) n;
}

void
shoal_reactor_set_deadline (ShoalReactor *self,
                            gint64        deadline_us)
{
  g_assert (self->in_turn);
  self->deadline_us = deadline_us;
}

void
shoal_reactor_rest (ShoalReactor *self,
                    gint64        until_us)
{
  g_assert (self->in_turn);
  self->rest_until_us = until_us;
}

void
shoal_reactor_wake (ShoalReactor *self)
{
  g_assert (!self->in_turn);
  self->due_us = 0;
}
