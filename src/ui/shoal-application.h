/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program: one instance, one session, one window. */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define SHOAL_TYPE_APPLICATION (shoal_application_get_type ())
G_DECLARE_FINAL_TYPE (ShoalApplication, shoal_application, SHOAL, APPLICATION, AdwApplication)

/* Makes the templates and icons of this library available; shoal_application_new() does it, tests
 * of single widgets must. */
void              shoal_application_register_resources (void);

ShoalApplication *shoal_application_new                (void);

G_END_DECLS
