/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What shoal-cli says while it works: events and numbers, for people and as JSON. */

#pragma once

#include "shoal-session.h"

G_BEGIN_DECLS

/* A line of JSON each, as the contract has it. @torrents: of ShoalTorrent */
void shoal_cli_report_event_json (const char *event, const char *name, const char *hash);
void shoal_cli_report_json       (ShoalSession *session, GPtrArray *torrents);

/* @hash: (nullable): not said */
void shoal_cli_report_event      (const char *event, const char *name, const char *hash);
/* On the terminal, over the line before. */
void shoal_cli_report_line       (ShoalSession *session, GPtrArray *torrents);

G_END_DECLS
