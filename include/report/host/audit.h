/* The report of portreuse audit: settings that can prevent a server from getting its port. */
#ifndef PORTREUSE_REPORT_HOST_AUDIT_H
#define PORTREUSE_REPORT_HOST_AUDIT_H

#include "diagnose/audit.h"
#include "report/subject.h"

/* Borrowed. */
struct audit_findings {
    const struct audit *audit;
};

extern const struct subject subject_audit;

#endif
