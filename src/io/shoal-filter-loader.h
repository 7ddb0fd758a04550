/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads lists of blocked addresses, plain or gzip, away from the engine's thread. */

#pragma once

#include "shoal-host.h"

G_BEGIN_DECLS

typedef struct _ShoalFilterLoader ShoalFilterLoader;

typedef void (*ShoalFilterLoadFunc) (ShoalFilterLoad *load, gpointer user_data);

/* Asks for the list of a link; its done function is to be called with the answer, on the same
 * thread. */
typedef void (*ShoalFilterFetchFunc) (ShoalFetch *request, gpointer user_data);

/* Works on the thread-default context of the caller, which must be iterated. */
ShoalFilterLoader *shoal_filter_loader_new  (ShoalFilterFetchFunc fetch, ShoalFilterLoadFunc loaded,
                                             gpointer user_data);
/* What is read is waited for and answered, iterating the context; from then on every load and
 * fetched list ends with an error. */
void               shoal_filter_loader_stop (ShoalFilterLoader *self);
/* stops; every fetch came back */
void               shoal_filter_loader_free (ShoalFilterLoader *self);
/* Comes back through @loaded exactly once. */
void               shoal_filter_loader_load (ShoalFilterLoader *self, ShoalFilterLoad *load);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalFilterLoader, shoal_filter_loader_free)

G_END_DECLS
