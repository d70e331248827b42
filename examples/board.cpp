// Draws event files in the terminal, or as one page: board LOGDIR [--follow] [--html FILE] [--filter TEXT]
#include <strata/board.h>

int main(int argc, char** argv) { return strata::board::main({argv + 1, argv + argc}); }
