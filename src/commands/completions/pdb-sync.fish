# Completions of pdb-sync for fish. The program itself says what fits, so they follow the configuration in force.
function __pdb_sync_complete
    set -l typed (commandline -opc)
    set -l program (string replace -r '^~/' "$HOME/" -- $typed[1])
    type -q -- $program; or set program @COMPLETER@
    set -l current (commandline -ct)
    for line in (@VAR@=fish $program -- $typed "$current" 2>/dev/null)
        set -l kind (string split -m 1 : -- $line)
        switch $kind[1]
            case value
                printf '%s\n' $kind[2]
            case files directories
                # What stands before the path, and the path so far, without quotes.
                set -l parts (string split \t -- $kind[2])
                set -l paths
                if test $kind[1] = files
                    set paths (__fish_complete_path "$parts[2]")
                else
                    set paths (__fish_complete_directories "$parts[2]" '')
                end
                for path in $paths
                    printf '%s%s\n' "$parts[1]" $path
                end
        end
    end
end
complete -c pdb-sync -k -f -a '(__pdb_sync_complete)'
