/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tests of a detached session hold on to: its two mailboxes. */

#pragma once

#include "shoal-runtime.h"
#include "shoal-session.h"

G_BEGIN_DECLS

/* (transfer none): shoal_runtime_next_command() and shoal_runtime_inject() work on that of a detached session. */
ShoalRuntime *shoal_session_get_runtime (ShoalSession *self);

G_END_DECLS
