/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages from several threads to one. */

#include <poll.h>
#include <unistd.h>
#include "shoal-mailbox.h"

#define N_THREADS  4
#define N_MESSAGES 5000   /* of each thread */

typedef struct
{
  guint    thread;
  guint    number;
  gpointer next;
} Message;

static Message *
message_new (guint thread,
             guint number)
{
  Message *message = g_new0 (Message, 1);

  message->thread = thread;
  message->number = number;

  return message;
}

static gboolean
is_readable (ShoalMailbox *mailbox)
{
  struct pollfd poll_fd = { .fd = shoal_mailbox_fd (mailbox), .events = POLLIN };

  return poll (&poll_fd, 1, 0) == 1;
}

static void
test_order (void)
{
  g_autoptr(ShoalMailbox) mailbox = shoal_mailbox_new (G_STRUCT_OFFSET (Message, next));
  Message *message;

  g_assert_null (shoal_mailbox_take (mailbox));
  g_assert_false (is_readable (mailbox));
  for (guint i = 0; i < 10; i++)
    shoal_mailbox_post (mailbox, message_new (0, i));
  g_assert_true (is_readable (mailbox));

  message = shoal_mailbox_take (mailbox);
  for (guint i = 0; i < 10; i++)
    {
      Message *next = message->next;

      g_assert_cmpuint (message->number, ==, i);
      g_free (message);
      message = next;
    }
  g_assert_null (message);
  g_assert_null (shoal_mailbox_take (mailbox));
}

/* A burst costs one wake-up; the next burst another. */
static void
test_wakes_once (void)
{
  g_autoptr(ShoalMailbox) mailbox = shoal_mailbox_new (G_STRUCT_OFFSET (Message, next));

  for (guint round = 0; round < 2; round++)
    {
      Message *first;
      guint64 count = 0;

      shoal_mailbox_post (mailbox, message_new (0, 0));
      shoal_mailbox_post (mailbox, message_new (0, 1));
      g_assert_cmpint (read (shoal_mailbox_fd (mailbox), &count, sizeof count), ==, sizeof count);
      g_assert_cmpuint (count, ==, 1);
      first = shoal_mailbox_take (mailbox);
      g_free (first->next);
      g_free (first);
    }
}

typedef struct
{
  ShoalMailbox *mailbox;
  guint         thread;
  guint         expected[N_THREADS];
  guint         n;
} Shared;

static gpointer
poster (gpointer user_data)
{
  Shared *own = user_data;

  for (guint i = 0; i < N_MESSAGES; i++)
    shoal_mailbox_post (own->mailbox, message_new (own->thread, i));

  return NULL;
}

static void
take_all (gpointer user_data)
{
  Shared *shared = user_data;
  Message *message = shoal_mailbox_take (shared->mailbox);

  while (message != NULL)
    {
      Message *next = message->next;

      g_assert_cmpuint (message->number, ==, shared->expected[message->thread]++);
      shared->n++;
      g_free (message);
      message = next;
    }
}

static void
test_threads (void)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(ShoalMailbox) mailbox = shoal_mailbox_new (G_STRUCT_OFFSET (Message, next));
  Shared shared = { .mailbox = mailbox };
  Shared own[N_THREADS];
  GThread *threads[N_THREADS];
  g_autoptr(GSource) source = shoal_mailbox_source (mailbox, take_all, &shared);

  g_source_attach (source, context);
  for (guint i = 0; i < N_THREADS; i++)
    {
      own[i] = (Shared) { .mailbox = mailbox, .thread = i };
      threads[i] = g_thread_new ("poster", poster, &own[i]);
    }
  while (shared.n < N_THREADS * N_MESSAGES)
    g_main_context_iteration (context, TRUE);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);

  g_source_destroy (source);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/io/mailbox/order", test_order);
  g_test_add_func ("/io/mailbox/wakes-once", test_wakes_once);
  g_test_add_func ("/io/mailbox/threads", test_threads);

  return g_test_run ();
}
