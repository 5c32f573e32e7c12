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
                set -l path (string replace -- "$kind[2]" '' "$current")
                if test $kind[1] = files
                    printf "$kind[2]%s\n" (__fish_complete_path "$path")
                else
                    printf "$kind[2]%s\n" (__fish_complete_directories "$path" '')
                end
        end
    end
end
complete -c pdb-sync -k -f -a '(__pdb_sync_complete)'
